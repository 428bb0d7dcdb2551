"""Whatever stands in the file, the answer is a configuration or one line."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pdwatch.config.errors import ConfigError
from pdwatch.config.load import load
from pdwatch.config.reference import EXAMPLE

PIECES = st.one_of(
    st.sampled_from(
        ["", "\n", "  ", "\t", ":", "- ", "[", "]", "{", "}", "*a", "&a ", "null", "-1", "1e999", "'", "%", "@", "<<: "]
    ),
    st.text(max_size=3),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(EXAMPLE)), st.integers(0, 30), PIECES), min_size=1, max_size=3))
def test_broken_file_is_one_line(cuts: list[tuple[int, int, str]]) -> None:
    """Text that was cut, torn or overwritten anywhere raises nothing but a `ConfigError` of one line."""
    text = EXAMPLE
    for start, length, piece in cuts:
        text = text[:start] + piece + text[start + length :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pdwatch.yaml")
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        message = mistake(path)
    if message is not None:
        assert 1 == len(message.splitlines())
        assert message.startswith(f"{path}:")
        assert message.partition("; ")[2]


def mistake(path: Path) -> str | None:
    """Return the message about a file, None for a good one."""
    try:
        load(path, {})
    except ConfigError as error:
        return str(error)
    return None
