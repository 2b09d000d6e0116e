"""A store from opening to closing: preparing, checking, coming back, threads, and being away."""

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from askers import asked
from builders import sample, submission
from contract.asking import EVERYONE, extents, ids, keep, record, samples, summaries, totals
from contract.stores import Driver

from metering.errors import Abandoned, QueryTooExpensive, StorageUnavailable
from metering.model import Outcome
from metering.query import (
    AnyOf,
    Comparison,
    ExtentQuery,
    Operator,
    SampleQuery,
    SummaryQuery,
    metadata_field,
)
from metering.storage.base import Storage
from metering.times import EVER, WholeRange

THREADS = 8


def test_preparing_twice_changes_nothing(storage: Storage) -> None:
    """A second call to prepare leaves samples and deployment as they are."""
    keep(storage, sample())
    faults = storage.check()
    storage.prepare()

    assert [sample()] == samples(storage)
    assert faults == storage.check()
    assert record(storage, submission()) == [Outcome.DUPLICATE]


def test_check_says_sentences(storage: Storage) -> None:
    """What is wrong is told in a sentence each; nothing is also an answer."""
    assert all(isinstance(fault, str) and fault for fault in storage.check())


def test_ping_returns(storage: Storage) -> None:
    """A store that answers says nothing more."""
    assert storage.ping() is None


def test_two_fresh_stores_share_nothing(driver: Driver) -> None:
    """What is kept in one store is not in another."""
    with driver.fresh() as one, driver.fresh() as other:
        keep(one, sample())

        assert samples(other) == []


@pytest.mark.durable
def test_opened_again_keeps_all(driver: Driver) -> None:
    """What was STORED before a store was closed is there when it is opened again."""
    with driver.fresh() as storage:
        with driver.again(storage) as first:
            keep(first, sample(volume="1E-27", metadata={"a": [1, "1", None]}))
            answers = samples(first), extents(first), summaries(first)

        with driver.again(storage) as second:
            assert answers == (samples(second), extents(second), summaries(second))
            assert record(
                second,
                submission(volume="1E-27", metadata={"a": [1, "1", None]}),
                submission(volume=2),
            ) == [Outcome.DUPLICATE, Outcome.CONFLICT]


@pytest.mark.durable
def test_two_connections_see_the_same(driver: Driver) -> None:
    """What one connection was told is STORED, another one reads at once, and cannot overwrite."""
    with driver.fresh() as one, driver.again(one) as other:
        samples(other)
        keep(one, sample(id="a"))

        assert ids(other) == ["a"]
        keep(other, sample(id="b"))
        assert record(one, submission(id="a"), submission(id="b")) == [Outcome.DUPLICATE] * 2
        assert record(other, submission(id="a", volume=2)) == [Outcome.CONFLICT]


@pytest.mark.durable
def test_series_known_to_one_connection_only(driver: Driver) -> None:
    """Connections that each make the same series first, agree on it."""
    with driver.fresh() as one, driver.again(one) as other:
        for number, storage in enumerate((one, other, one, other)):
            keep(storage, sample(id=f"s-{number}"))

        assert len(extents(one)) == 1
        assert [found.count for found in summaries(other).values()] == [4]


@pytest.mark.durable
def test_preparing_through_two_connections(driver: Driver) -> None:
    """A store that another process prepared may be prepared, and nothing is lost."""
    with driver.fresh() as one, driver.again(one) as other:
        keep(one, sample())
        other.prepare()

        assert [sample()] == samples(one)
        assert [sample()] == samples(other)


def in_threads(work: Callable[[int], Any], count: int = THREADS) -> list[Any]:
    """Run the work in threads that start together; what each gave, an exception included."""
    start, results = threading.Barrier(count), [None] * count

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = work(number)
        except Exception as error:  # noqa: BLE001 - the test says which one may be
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.parametrize("atomic", [False, True])
def test_threads_record_the_same(storage: Storage, *, atomic: bool) -> None:
    """Of eight threads that record the same samples, each sample is stored by exactly one."""
    batches = [
        [
            submission(id=f"s-{n}", resource_id=f"vm-{n % 7}", volume=n)
            for n in range(part, part + 5)
        ]
        for part in range(0, 60, 5)
    ]
    told = in_threads(lambda _: [record(storage, *batch, atomic=atomic) for batch in batches])

    for number, batch in enumerate(batches):
        verdicts = [each[number] for each in told]
        per_sample = [Counter(outcomes) for outcomes in zip(*verdicts, strict=True)]
        expected = Counter({Outcome.STORED: 1, Outcome.DUPLICATE: THREADS - 1})
        assert [expected] * len(batch) == per_sample
    assert {one.sample for batch in batches for one in batch} == set(samples(storage))


def test_threads_record_the_same_in_other_orders(storage: Storage) -> None:
    """Batches with the same keys in opposite orders do not block each other."""
    batch = [submission(id=f"s-{n}", resource_id=f"vm-{n}") for n in range(20)]
    told = in_threads(lambda number: record(storage, *batch[:: -1 if number % 2 else 1]))

    counted = Counter(outcome for outcomes in told for outcome in outcomes)
    assert counted == {Outcome.STORED: 20, Outcome.DUPLICATE: 20 * (THREADS - 1)}
    assert len(samples(storage)) == 20
    assert len(extents(storage)) == 20


@pytest.mark.parametrize("atomic", [False, True])
def test_threads_record_other_bodies(storage: Storage, *, atomic: bool) -> None:
    """Of eight bodies under one key one is stored, and all others learn which."""
    told = in_threads(lambda number: storage.record([submission(volume=number)], atomic=atomic)[0])

    (kept,) = samples(storage)
    assert {kept} == {verdict.kept for verdict in told}
    assert Counter(verdict.outcome for verdict in told) == {
        Outcome.STORED: 1,
        Outcome.CONFLICT: THREADS - 1,
    }


def test_threads_read_while_others_record(storage: Storage) -> None:
    """Readers see what was stored before they asked, each sample once."""

    def work(number: int) -> list[list[str]]:
        if number % 2:
            return [ids(storage) for _ in range(10)]
        for part in range(5):
            whole = [submission(id=f"{number}-{part}-{n}") for n in range(4)]
            record(storage, *whole, atomic=True)
        return []

    keep(storage, sample())
    told = [answer for each in in_threads(work) for answer in each]

    assert all("s-1" in answer and len(set(answer)) == len(answer) for answer in told)
    assert len(ids(storage)) == 1 + 4 * 5 * 4


def _record_in_child(storage: Storage) -> None:
    keep(storage, sample(id="child"))


@pytest.mark.durable
def test_fork_may_follow_opening(driver: Driver) -> None:
    """A store that was opened and not yet used works in a forked process and in its parent."""
    with driver.fresh() as prepared, driver.again(prepared) as storage:
        child = multiprocessing.get_context("fork").Process(
            target=_record_in_child, args=(storage,)
        )
        child.start()
        keep(storage, sample(id="parent"))
        child.join(30)

        assert child.exitcode == 0
        assert {"parent", "child"} == set(ids(storage))


def _record_and_die(storage: Storage) -> None:
    record(storage, submission(id="a"), atomic=True)
    record(storage, submission(id="b"), submission(id="a"))
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.durable
def test_what_is_told_survives_a_crash(driver: Driver) -> None:
    """What was STORED is kept though the process was killed as soon as it had the verdicts."""
    with driver.fresh() as prepared, driver.again(prepared) as storage:
        child = multiprocessing.get_context("fork").Process(target=_record_and_die, args=(storage,))
        child.start()
        child.join(30)

        assert -signal.SIGKILL == child.exitcode
        assert {"a", "b"} == set(ids(prepared))
        assert [Outcome.DUPLICATE] == record(prepared, submission(id="a"))


ACTS: list[Callable[[Storage], Any]] = [
    lambda storage: storage.ping(),
    lambda storage: storage.check(),
    lambda storage: storage.prepare(),
    lambda storage: record(storage, submission()),
    lambda storage: record(storage, submission(), atomic=True),
    samples,
    extents,
    summaries,
    totals,
]


@pytest.mark.durable
def test_store_that_is_not_there(unreachable: Storage) -> None:
    """Opening needs no store; using one that is not there is StorageUnavailable, with its cause.

    All at once, because a driver may wait some seconds for its server.
    """
    told = in_threads(lambda number: ACTS[number](unreachable), len(ACTS))

    assert [StorageUnavailable] * len(ACTS) == [type(error) for error in told]
    assert all(error.__cause__ is not None for error in told)


# A path down which there is something to look for at each of its dots, and two hundred looks.
_LONG_PATH = metadata_field(".".join(["a"] * 500))
_TEDIOUS = AnyOf(tuple(Comparison(_LONG_PATH, Operator.EQ, number) for number in range(200)))

QUESTIONS = [
    pytest.param(lambda one, **q: one.samples(SampleQuery(scope=EVERYONE, **q)), id="samples"),
    pytest.param(lambda one, **q: one.extents(ExtentQuery(scope=EVERYONE, **q)), id="extents"),
    pytest.param(
        lambda one, **q: one.summaries(SummaryQuery(scope=EVERYONE, windows=WholeRange(EVER), **q)),
        id="summaries",
    ),
]


@pytest.mark.durable
@pytest.mark.parametrize("ask", QUESTIONS)
def test_question_that_never_ends_is_given_up(
    driver: Driver, ask: Callable[..., Iterator[Any]]
) -> None:
    """A question that takes seconds by its nature is QueryTooExpensive after a tenth of one."""
    batch = [submission(id=f"s-{n}", resource_id=f"vm-{n}", metadata={"a": n}) for n in range(300)]
    with driver.fresh() as storage, driver.again(storage, 0.1) as hasty:
        record(storage, *batch)

        with pytest.raises(QueryTooExpensive):
            list(ask(hasty, filter=_TEDIOUS))


@pytest.mark.durable
@pytest.mark.parametrize("ask", QUESTIONS)
def test_question_that_nobody_waits_for_is_given_up(
    driver: Driver, ask: Callable[..., Iterator[Any]]
) -> None:
    """Its asker goes in the midst of it; it had gone on for seconds."""
    batch = [submission(id=f"s-{n}", resource_id=f"vm-{n}", metadata={"a": n}) for n in range(300)]
    with driver.fresh() as storage:
        record(storage, *batch)
        left = time.monotonic() + 0.1

        with pytest.raises(Abandoned):
            asked(lambda: time.monotonic() > left, lambda: list(ask(storage, filter=_TEDIOUS)))


@pytest.mark.durable
@pytest.mark.parametrize("ask", QUESTIONS)
def test_question_that_takes_too_long(driver: Driver, ask: Callable[[Storage], Any]) -> None:
    """With next to no time, a question is answered in full or is QueryTooExpensive."""
    batch = [submission(id=f"s-{n}", resource_id=f"vm-{n % 50}") for n in range(3000)]
    with driver.fresh() as storage, driver.again(storage, 0.05) as hasty:
        record(storage, *batch)
        try:
            answer = list(ask(hasty))
        except QueryTooExpensive:
            answer = None

        assert answer is None or len(answer) == len(list(ask(storage)))


@pytest.mark.durable
def test_who_reads_slowly_gets_every_sample(driver: Driver) -> None:
    """What the caller does between two samples does not count, wherever it dawdles."""
    batch = [submission(id=f"s-{n}", resource_id=f"vm-{n % 50}") for n in range(600)]
    with driver.fresh() as storage, driver.again(storage, 1) as hasty:
        record(storage, *batch)
        found = []
        for one in hasty.samples(SampleQuery(scope=EVERYONE)):
            found.append(one)
            if len(found) % 200 == 1:
                time.sleep(0.7)

        assert found == samples(storage)
