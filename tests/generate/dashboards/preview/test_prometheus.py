"""What is asked of a Prometheus, and what is said where it does not answer."""

from __future__ import annotations

import httpx
import pytest

from pdwatch.generate.dashboards.preview.pages import write
from pdwatch.generate.dashboards.preview.prometheus import PreviewError, Prometheus, Span
from pdwatch.generate.dashboards.preview.variables import chosen, put, rate_interval
from pdwatch.generate.options import Options

SPAN = Span(0.0, 30.0, 10.0)


def test_a_number_that_is_none_is_a_hole(prometheus, server):
    """NaN is not drawn."""
    server.answers["x"] = [{"labels": {"a": "b"}, "values": [[0, "1"], [10, "NaN"], [20, "3"]]}]
    (found,) = prometheus.over("x", SPAN)

    assert (((0.0, 1.0), (20.0, 3.0)), {"a": "b"}) == (found.points, found.labels)


@pytest.mark.parametrize(
    ("config", "seconds"),
    [
        ({"yaml": "global:\n  scrape_interval: 5s\n"}, 5.0),
        ({"yaml": "global: {}\n"}, 15.0),
        ({"yaml": "]"}, 15.0),
        ({}, 15.0),
    ],
)
def test_the_scrape_interval_is_that_of_the_prometheus(prometheus, server, config, seconds):
    """Or the usual one, where it does not tell: what stands before a Prometheus seldom does."""
    server.answers["status/config"] = config

    assert seconds == prometheus.scrape_seconds()


def test_a_rate_spans_four_scrapes():
    """As in Grafana; over a long time a point more."""
    assert "60s" == rate_interval(Span(0, 900, 15), 15)
    assert "615s" == rate_interval(Span(0, 86400, 600), 15)


def test_all_is_chosen_where_it_can_be_and_else_the_first(prometheus, server):
    """A later variable is narrowed by an earlier one."""
    server.answers["label/service/values"] = ["chat", "code"]
    variables = [
        {"name": "datasource", "type": "datasource"},
        {"name": "cluster", "type": "query", "includeAll": True, "allValue": ".*"},
        {"name": "service", "type": "query", "includeAll": False, "query": 'label_values(x{c=~"$cluster"}, service)'},
    ]
    values = chosen({"templating": {"list": variables}}, prometheus, SPAN, {"__rate_interval": "20s"})

    assert {"__rate_interval": "20s", "cluster": ".*", "service": "chat"} == values
    assert 'x{c=~".*"}' == server.asked[-1][1]["match[]"]


def test_names_that_are_no_variables_stay():
    """As `$1` of a regular expression."""
    assert 'x{a="b"} $1 [20s]' == put({"v": "b", "__rate_interval": "20s"}, 'x{a="$v"} $1 [${__rate_interval}]')


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"<html>", "answers no JSON; give the URL of a Prometheus"),
        (b"[]", "refuses up: no Prometheus"),
    ],
)
def test_something_else_than_a_prometheus_is_told(prometheus, server, raw, message):
    """One line that says what to do."""
    server.answers["raw"] = raw
    with pytest.raises(PreviewError) as caught:
        prometheus.now("up", 0.0)

    assert f"{server.url} {message}" == str(caught.value)


def test_a_refused_query_is_told_with_its_reason(prometheus, server):
    """In Prometheus' own words."""
    with pytest.raises(PreviewError) as caught:
        prometheus.over("bad(", SPAN)

    assert f"{server.url} refuses bad(: unclosed left parenthesis" == str(caught.value)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[::1"])
def test_nothing_is_written_where_nobody_answers(tmp_path, url):
    """Not even the folder."""
    with pytest.raises(PreviewError, match=r"cannot be asked: .*; give the URL of a Prometheus"):
        write(url, tmp_path / "pages", 60.0, Options())

    assert not (tmp_path / "pages").exists()


def test_an_address_may_end_in_a_slash(server):
    """As it is copied from a browser."""
    with httpx.Client(trust_env=False) as client:
        assert [] == Prometheus(f"{server.url}/", client).now("up", 0.0)
