"""Any history, any question: every driver answers as the memory driver does."""

from dataclasses import replace
from functools import singledispatch
from typing import Any

import strategies
from contract.stores import Driver
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metering.model import AllProjects, Rollup, Sample, Submission
from metering.query import (
    EVERYTHING,
    ExtentQuery,
    Filter,
    Position,
    SampleQuery,
    SummaryQuery,
    fields_of,
)
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage

EXAMPLES = {"memory": 20, "mongodb": 40}
OTHERWISE = 60

History = list[tuple[list[Submission], bool]]

questions = st.lists(
    strategies.sample_queries | strategies.extent_queries() | strategies.summary_queries(),
    min_size=4,
    max_size=12,
)


def try_hard(driver: Driver, share: int = 1) -> settings:
    """As many examples as the speed of the driver allows, or a share of them."""
    return settings(
        max_examples=EXAMPLES.get(driver.choice.scheme, OTHERWISE) // share,
        suppress_health_check=list(HealthCheck),
    )


def record_in_both(history: History, *stores: Storage) -> None:
    """Record each batch in both stores, which must say the same of it."""
    for batch, atomic in history:
        told = [storage.record(batch, atomic=atomic) for storage in stores]

        assert told[0] == told[1]


@singledispatch
def answer(query: Any, storage: Storage) -> Any:
    """What a store says, in an order of ours where the contract has none."""
    raise NotImplementedError(query)


@answer.register
def _(query: SampleQuery, storage: Storage) -> list[Sample]:
    return list(storage.samples(query))


@answer.register
def _(query: ExtentQuery, storage: Storage) -> Any:
    return sorted(storage.extents(query), key=lambda one: one.subject.digest)


@answer.register
def _(query: SummaryQuery, storage: Storage) -> Any:
    found = sorted(
        storage.summaries(query), key=lambda one: (one.subject.digest, str(one.window.start))
    )
    totals = sorted(
        storage.totals(replace(query, filter=of_rollups(query.filter))),
        key=lambda one: (one.rollup.digest, str(one.window.start)),
    )
    return found, totals


def of_rollups(filter_: Filter) -> Filter:
    """The filter, if it asks of rollups only."""
    asked = {field.name for field in fields_of(filter_)}
    return filter_ if asked <= set(Rollup._fields) else EVERYTHING


def test_same_answers(driver: Driver) -> None:
    """Whatever was recorded and whatever is asked, verdicts and answers are memory's."""

    @try_hard(driver)
    @given(strategies.histories(), questions)
    def check(history: History, asked: list[Any]) -> None:
        memory = MemoryStorage()
        with driver.fresh() as storage:
            record_in_both(history, memory, storage)
            for query in asked:
                assert answer(query, memory) == answer(query, storage)
                assert memory.oldest(query.scope) == storage.oldest(query.scope)

    check()


def test_same_pages(driver: Driver) -> None:
    """A page cut after any sample, seen or not, is memory's."""

    @try_hard(driver, share=4)
    @given(strategies.histories(), strategies.sample_queries)
    def check(history: History, query: SampleQuery) -> None:
        memory = MemoryStorage()
        with driver.fresh() as storage:
            record_in_both(history, memory, storage)
            for one in memory.samples(SampleQuery(scope=AllProjects())):
                page = replace(query, after=Position(one.timestamp, one.key))

                assert answer(page, memory) == answer(page, storage)

    check()
