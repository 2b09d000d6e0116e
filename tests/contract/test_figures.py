"""Figures of streams: a store that reads less than all has the same ones."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import strategies
from builders import NOON, after_noon, sample
from contract.asking import EVERYONE, keep
from contract.stores import Driver
from contract.test_against_memory import History, record_in_both, try_hard
from contract.test_streams import tangled
from hypothesis import given
from hypothesis import strategies as st

from metering.model import MeterType
from metering.query import FIELDS
from metering.storage.base import Effort, Storage
from metering.storage.memory import MemoryStorage
from metering.times import FixedWindows, Range, WholeRange
from metering.usage.figures import Aggregate
from metering.usage.query import StatisticsQuery
from metering.usage.statistics import Row, statistics

HOUR = timedelta(hours=1)
FUNCTIONS = ("usage", "increase", "integral", "timeavg", "rate", "peak", "sum")

# A level that holds for a month has a part in each.
long_windows = st.builds(FixedWindows, strategies.instants, st.sampled_from([7_000, 86_400]))


@st.composite
def questions(draw: st.DrawFn) -> StatisticsQuery:
    """Questions of figures, of ranges that are over or not."""
    range_ = draw(strategies.ranges)
    names = draw(st.lists(st.sampled_from(FUNCTIONS), min_size=1, max_size=2, unique=True))
    return StatisticsQuery(
        scope=draw(strategies.scopes),
        filter=draw(strategies.series_filters),
        range=range_,
        windows=draw(st.just(WholeRange(range_)) | long_windows),
        group_by=(FIELDS["resource_id"],),
        aggregates=tuple(map(Aggregate, names)),
        now=draw(strategies.instants | st.sampled_from([range_.end or NOON])),
        max_gap=draw(st.none() | st.sampled_from([timedelta(seconds=60), HOUR])),
        first_counts=draw(st.booleans()),
    )


def said(rows: Sequence[Row]) -> list[Row]:
    """The rows without the figures of readings, which other tests compare."""
    return [replace(row, summary=None) for row in rows]


def test_same_figures(driver: Driver) -> None:
    """Whatever was recorded and sealed, figures are those of the memory driver, that reads all."""

    @try_hard(driver, share=2)
    @given(
        strategies.histories() | tangled(),
        st.lists(questions(), min_size=4, max_size=8),
        strategies.instants,
    )
    def check(batches: History, asked: list[StatisticsQuery], until: datetime) -> None:
        memory = MemoryStorage()
        with driver.fresh() as storage:
            record_in_both(batches, memory, storage)
            list(storage.seal(until))
            for query in asked:
                assert said(statistics(memory, query, 10**6)) == said(
                    statistics(storage, query, 10**6)
                )

    check()


def usage_of(range_: Range, now: datetime, max_gap: timedelta | None) -> StatisticsQuery:
    """Usage of all that is there, in one row for each type."""
    return StatisticsQuery(
        scope=EVERYONE,
        range=range_,
        windows=WholeRange(range_),
        aggregates=(Aggregate("usage"),),
        now=now,
        max_gap=max_gap,
    )


def test_a_gap_over_the_end_of_a_range(storage: Storage) -> None:
    """Of a gauge it has a row: nothing was used in it, and the stream went on."""
    keep(storage, sample(id="s-1", timestamp=after_noon(-9_000)))
    keep(storage, sample(id="s-2", timestamp=after_noon(9_000)))
    range_ = Range(NOON, after_noon(60))
    query = usage_of(range_, after_noon(10_000), HOUR)

    (row,) = statistics(storage, query, 10)
    assert list(row.figures.values()) == [0]


@pytest.mark.parametrize(
    ("type_", "now", "max_gap", "read"),
    [
        (MeterType.DELTA, 60, None, 0),
        (MeterType.CUMULATIVE, 60, None, 2),
        (MeterType.GAUGE, 60, None, 2),  # what follows says that nothing comes in between
        (MeterType.GAUGE, 60.001, None, 1),
        (MeterType.GAUGE, 60.001, HOUR, 2),  # and that the stream goes on after a gap
    ],
)
def test_neighbours_are_read_where_they_matter(
    storage: Storage, type_: MeterType, now: float, max_gap: timedelta | None, read: int
) -> None:
    """Beside the range, of which readings are counted as well."""
    keep(
        storage,
        *(
            sample(id=f"s{place}", timestamp=after_noon(at), volume=place, type=type_)
            for place, at in enumerate((-5, 5, 55, 65))
        ),
    )
    range_ = Range(NOON, after_noon(60))
    query = usage_of(range_, after_noon(now), max_gap)
    effort = Effort()
    statistics(storage, query, 10, effort)

    inside = 2
    assert effort.samples == inside + (1 if isinstance(storage, MemoryStorage) else read)
