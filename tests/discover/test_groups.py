"""Labels of target groups place a worker in the fleet."""

from __future__ import annotations

import pytest

from pdwatch.config.sources import TargetGroup
from pdwatch.discover.groups import found_in
from pdwatch.model.target import Role, RoleSource, Target


def targets(*addresses: str, **labels: str) -> tuple[Target, ...]:
    """Return the targets of one group."""
    return found_in([TargetGroup(targets=addresses, labels=labels)], "test").targets


def test_labels_become_fields() -> None:
    """The labels that pdwatch knows are fields, the others stay labels."""
    (target,) = targets("a:1", service="s", role="decode", replica="d0", worker="w", host="node0", rack="r1")

    assert (
        Target(
            url="http://a:1/metrics",
            worker="w",
            service="s",
            role=Role.DECODE,
            role_source=RoleSource.DECLARED,
            replica="d0",
            host="node0",
            labels={"rack": "r1"},
            source="test",
        )
        == target
    )


def test_unlabelled_target() -> None:
    """Without labels a worker is called host:port and belongs to the service default, with no role declared."""
    (target,) = targets("node0:8087")

    assert ("node0:8087", "default", "node0:8087") == (target.worker, target.service, target.replica_name)
    assert (Role.UNKNOWN, RoleSource.NONE, None) == (target.role, target.role_source, target.host)


def test_labels_of_prometheus_are_honoured() -> None:
    """Scheme, path and parameters of the page come from the labels that Prometheus uses, and are no labels."""
    (target,) = targets(
        "a:1", __scheme__="https", __metrics_path__="/m", __param_name="x y", __meta_filepath="/etc/targets.json"
    )

    assert "https://a:1/m?name=x+y" == target.url
    assert {} == target.labels


@pytest.mark.parametrize(
    ("role", "word"),
    [
        (Role.PREFILL, "prefill"),
        (Role.DECODE, "Decode"),
        (Role.BOTH, "both"),
        (Role.BOTH, "prefill-decode"),
        (Role.BOTH, "regular"),
        (Role.ROUTER, "router"),
    ],
)
def test_words_for_roles(role: Role, word: str) -> None:
    """llm-d, routers and engines have their words for the same roles."""
    assert role == targets("a:1", role=word)[0].role


def test_label_that_is_no_role() -> None:
    """A role that names none costs the target its role, not its place in the fleet, and is told."""
    found = found_in([TargetGroup(targets=("a:1",), labels={"role": "gpu"})], "test")

    assert RoleSource.NONE == found.targets[0].role_source
    assert "test: 'gpu' is no role; write prefill, decode or both" == found.problem
