"""Which shard a service falls to."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdwatch.model.shard import Shard, shard_of

NAMES = st.text()
COUNTS = st.integers(1, 50)
FLEET = [f"model-{number}" for number in range(1000)]


@given(NAMES, COUNTS)
def test_every_service_falls_to_exactly_one_shard(name: str, count: int) -> None:
    """Whatever it is called, and however many shards there are."""
    assert 1 == sum(Shard(number, count).holds(name) for number in range(1, count + 1))


@pytest.mark.parametrize(
    ("name", "shards"),
    [
        ("default", {1: 1, 2: 1, 3: 1, 4: 4, 8: 4}),
        ("chat", {1: 1, 2: 2, 3: 3, 4: 3, 8: 3}),
        ("code", {1: 1, 2: 1, 3: 1, 4: 1, 8: 1}),
        ("llama-70b", {1: 1, 2: 1, 3: 3, 4: 3, 8: 7}),
        ("größe/ü 1", {1: 1, 2: 2, 3: 3, 4: 4, 8: 8}),
        ("", {1: 1, 2: 1, 3: 3, 4: 3, 8: 6}),
    ],
)
def test_a_service_falls_to_the_same_shard_for_ever(name: str, shards: dict[int, int]) -> None:
    """These numbers never change: all shards of a fleet must agree, also while it is brought to another version."""
    assert shards == {count: shard_of(name, count) for count in shards}


def test_a_shell_can_tell_the_shard() -> None:
    """It is the number whose `NUMBER/NAME` has the highest SHA-256, as `sha256sum` prints it."""
    highest = max("1234", key=lambda number: sha256(f"{number}/deepseek-r1".encode()).hexdigest())

    assert int(highest) == shard_of("deepseek-r1", 4)


@given(NAMES, COUNTS)
def test_one_shard_more_takes_services_and_moves_none_between_the_others(name: str, count: int) -> None:
    """Whoever adds a shard loses what was learned of one service in n, not of all."""
    assert shard_of(name, count + 1) in (shard_of(name, count), count + 1)


@pytest.mark.parametrize("count", [2, 3, 8])
def test_many_services_are_divided_evenly(count: int) -> None:
    """No shard has a fifth more or less than its part of a thousand."""
    sizes = Counter(shard_of(name, count) for name in FLEET)

    assert count == len(sizes)
    assert all(0.8 < size * count / len(FLEET) < 1.2 for size in sizes.values())


@pytest.mark.parametrize(("text", "shard"), [("1/1", Shard(1, 1)), ("2/3", Shard(2, 3)), (" 10/10 ", Shard(10, 10))])
def test_a_shard_is_written_as_number_and_count(text: str, shard: Shard) -> None:
    """As written so it is read."""
    assert shard == Shard.parse(text)
    assert text.strip() == str(shard)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3/2", "'3/2': shards of 2 are counted from 1; write 1/2 to 2/2"),
        ("0/3", "'0/3': shards of 3 are counted from 1; write 1/3 to 3/3"),
        ("2/1", "'2/1': shards of 1 are counted from 1; write 1/1"),
        ("1/0", "'1/0' asks for 0 shards; divide into 1 to 1000"),
        ("1/1001", "'1/1001' asks for 1001 shards; divide into 1 to 1000"),
        *(
            (text, f"{text!r} is no shard; write i/n, such as 1/2 and 2/2 for the two halves")
            for text in ("a/b", "", "1", "1/2/3", "-1/2", "1/2x", "1 of 2", "٣/٣")
        ),
    ],
)
def test_what_is_no_shard_is_refused_with_the_mend(text: str, said: str) -> None:
    """The message shows what was written."""
    with pytest.raises(ValueError, match="shard") as caught:
        Shard.parse(text)

    assert said == str(caught.value)
