"""Keys of the terminal from a file, the configuration and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pdwatch.cli.errors import UsageError
from pdwatch.cli.keymap import keymap
from pdwatch.cli.parser import parse
from pdwatch.cli.settings import resolve
from pdwatch.config.errors import ConfigError


def keys(call: str, environ: Mapping[str, str] | None = None) -> dict[str, tuple[str, ...]]:
    """Return the keys of a call, by command."""
    args = parse(call.split())
    return {command.name: command.keys for command in keymap(resolve(args, environ or {}), args.keys)}


def test_a_file_goes_over_the_configuration_and_that_over_the_defaults(tmp_path: Path) -> None:
    """YAML or JSON; several keys as a list or apart by commas, an empty one takes them away."""
    config, file = tmp_path / "pdwatch.yaml", tmp_path / "keys.json"
    config.write_text("top: {keys: {why: z, pause: [x, F2]}}\n", encoding="utf-8")
    file.write_text('{"why": "W, ctrl+w", "save": ""}', encoding="utf-8")
    found = keys(f"top --config {config} --keys {file}")

    assert (("W", "ctrl+w"), ("x", "f2"), ()) == (found["why"], found["pause"], found["save"])
    assert keys("top")["sort"] == found["sort"]
    assert ("z",) == keys("top", {"PDWATCH_TOP__KEYS": "{why: z}"})["why"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pause: p\nfiltre: x\n", "FILE:2: filtre: is no command; did you mean filter?"),
        (
            "why: q\n",
            'FILE:1: why: has the key q of quit; give one of them another key, or take it from quit with quit: ""',
        ),
        ("why: entr\n", "FILE:1: why: 'entr' is no key; did you mean enter?"),
        ("why: {a: b}\n", "FILE:1: why: is no key; write a key such as z, or a list of keys"),
        ("- why\n", "FILE:1: is no mapping; write lines such as why: z"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    """And with the mend."""
    file = tmp_path / "keys.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        keys(f"top --keys {file}")

    assert said == str(caught.value).replace(str(file), "FILE")


def test_what_is_wrong_in_the_configuration_is_told_by_its_key(tmp_path: Path) -> None:
    """So is a file that is not there."""
    with pytest.raises(UsageError, match=r"^top\.keys\.filtre: is no command; did you mean filter\?$"):
        keys("top", {"PDWATCH_TOP__KEYS": "{filtre: z}"})
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file or directory; name a file of keys with --keys"):
        keys(f"top --keys {tmp_path / 'none.yaml'}")
