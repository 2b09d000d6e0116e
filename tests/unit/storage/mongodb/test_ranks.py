"""Ranks order samples as instants do, and those of one instant as the first bits of keys do."""

from datetime import datetime

import pytest
from builders import MILLISECOND, NOON
from hypothesis import given
from hypothesis import strategies as st

from metering import times
from metering.storage.mongodb.ranks import Ranks, instant_of, rank_of, ranks_between, ranks_in
from metering.times import EVER, FIRST, LAST, Range

instants = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)).map(
    lambda naive: times.truncate(naive.replace(tzinfo=times.UTC))
)
keys = st.binary(max_size=17)
places = st.tuples(instants, keys)


@given(places, places)
def test_ranks_never_contradict_the_order(one: tuple[datetime, bytes], other: tuple) -> None:
    """What comes later has no lower rank, also where a client made up its key."""
    first, last = sorted((one, other))

    assert rank_of(*first) <= rank_of(*last)


@given(instants, keys)
def test_a_rank_tells_the_instant(at: datetime, key: bytes) -> None:
    """Exactly, in all years."""
    assert at == instant_of(rank_of(at, key))


@pytest.mark.parametrize("at", [FIRST, NOON, LAST])
def test_a_rank_has_64_bits(at: datetime) -> None:
    """MongoDB has no larger integers."""
    assert -(2**63) <= rank_of(at, bytes(16)) <= rank_of(at, b"\xff" * 16) < 2**63


@given(instants, keys)
def test_an_instant_has_the_ranks_of_its_samples(at: datetime, key: bytes) -> None:
    """And those before and after have none of them."""
    lowest, highest = ranks_between(at, at)

    assert lowest <= rank_of(at, key) <= highest
    assert (lowest, highest) == (rank_of(at, bytes(16)), rank_of(at, b"\xff" * 16))


def test_a_range_has_the_ranks_of_its_instants() -> None:
    """Those at its start, none of those at its end; without bounds all."""
    assert Ranks(None, None) == ranks_in(EVER)
    assert ranks_in(Range(NOON, NOON + MILLISECOND)) == ranks_between(NOON, NOON)
    assert ranks_in(Range(NOON, None)) == Ranks(ranks_between(NOON, NOON).lowest, None)
    assert ranks_in(Range(None, NOON)) == Ranks(
        None, ranks_between(NOON - MILLISECOND, NOON - MILLISECOND).highest
    )
