"""`pdwatch generate alerts` and `rules` as commands: what they write, what they refuse."""

from __future__ import annotations

import pytest

from pdwatch.cli.main import main


def test_files_are_written_and_checked(tmp_path, capsys):
    """Each is named as it is written; `--check` tells one that was changed by hand, and says what mends it."""
    folder = tmp_path / "rules"

    assert 0 == main(["generate", "alerts", "--output", str(folder)])
    assert f"{folder}/pdwatch-findings.yaml" in capsys.readouterr().out.splitlines()
    assert 0 == main(["generate", "alerts", "--output", str(folder), "--check"])
    (folder / "pdwatch-itself.yaml").write_text("by hand")
    assert 1 == main(["generate", "alerts", "--output", str(folder), "--check"])
    assert (
        f"{folder}/pdwatch-itself.yaml differs; write it anew with: pdwatch generate alerts" in capsys.readouterr().err
    )


def test_thresholds_come_from_a_configuration(tmp_path):
    """A pager and a screen of one site go by the same numbers."""
    (tmp_path / "pdwatch.yaml").write_text("thresholds: {pressure_high: 1.25}")
    main(["generate", "alerts", "--output", str(tmp_path), "--config", str(tmp_path / "pdwatch.yaml")])

    assert "(pdwatch_pool_pressure_ratio) >= 1.25" in (tmp_path / "pdwatch-symptoms.yaml").read_text()


def test_the_window_of_recording_rules_can_be_chosen(tmp_path):
    """Four scrape intervals, where these are long."""
    main(["generate", "rules", "--output", str(tmp_path), "--window", "240s"])

    assert "rate(vllm:prompt_tokens_total[4m])" in (tmp_path / "pdwatch-recording.yaml").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["docs", "--scale-for", "2"], "--scale-for is for alerts; leave it out for docs"),
        (["alerts", "--window", "5m"], "--window is for rules; leave it out for alerts"),
        (["docs", "--config", "x"], "--config is for alerts and rules and dashboards; leave it out for docs"),
        (["alerts", "--scale-for", "often"], "--scale-for often: is no factor; write a number above 0 such as 0.05"),
        (["alerts", "--scale-for", "0"], "--scale-for 0: is no factor; write a number above 0 such as 0.05"),
        (
            ["alerts", "--runbook-base", "docs"],
            "--runbook-base docs: is no URL; write one such as https://docs.example.com/runbooks",
        ),
        (["rules", "--keep", "a b"], "--keep a b: are no labels; write names such as cluster, parted by commas"),
        (["rules", "--window", "5x"], "--window 5x: '5x' is not a duration; write it like 500ms, 5s or 1h30m"),
    ],
)
def test_a_wrong_call_is_one_line(words, told, capsys):
    """What, where, and how to mend it; exit 2."""
    assert 2 == main(["generate", *words])
    assert f"pdwatch generate: {told}\n" == capsys.readouterr().err
