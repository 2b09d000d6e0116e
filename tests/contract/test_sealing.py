"""Sealing changes what is read and no answer, whatever happens before, meanwhile and after."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from itertools import count, cycle
from typing import Any

import pytest
import strategies
from builders import NOON, after_noon, sample, submission
from contract.asking import keep, record, samples, summaries, summary, totals
from contract.stores import Driver
from contract.test_against_memory import History, answer, record_in_both, try_hard
from hypothesis import given
from hypothesis import strategies as st

from metering.calendar import Calendar, Interval, read_zone
from metering.model import Outcome, Submission
from metering.retention import Horizons
from metering.storage import folding
from metering.storage.base import Effort, Storage
from metering.storage.memory import MemoryStorage
from metering.times import FIRST, LAST, FixedWindows, Range

S, D, C = Outcome.STORED, Outcome.DUPLICATE, Outcome.CONFLICT
DAY = timedelta(days=1)
MIDNIGHT = datetime(2015, 6, 1, tzinfo=UTC)
HORIZON = MIDNIGHT + 5 * DAY


def seal(storage: Storage, until: datetime = HORIZON) -> int:
    """Seal; how many samples that read."""
    return sum(storage.seal(until))


def contradictions(storage: Storage) -> list[str]:
    """What verify finds."""
    return [one for inspection in storage.verify() for one in inspection.contradictions]


def both(storage: Storage, **query: Any) -> Any:
    """The Summaries, which must be the same after all blocks were forgotten; and totals so."""
    sealed, added_up = summaries(storage, **query), totals(storage, **query)
    storage.unseal()

    assert sealed == summaries(storage, **query)
    assert added_up == totals(storage, **query)
    return sealed


def test_an_empty_store_can_be_sealed(storage: Storage) -> None:
    """There is nothing to read, and nothing contradicts."""
    assert seal(storage) == 0
    storage.unseal()
    assert contradictions(storage) == []


def test_answers_stay(storage: Storage) -> None:
    """Figures that depend on order, far volumes and resets included, are the same."""
    volumes = ["1E-27", "12345678901234567890.0123456789", "5", "3", "3", "-7"]
    keep(
        storage,
        *(
            sample(id=f"s{n}", timestamp=after_noon(40_000 * n), volume=volume)
            for n, volume in enumerate(volumes)
        ),
    )
    before = summaries(storage)
    seal(storage)

    assert before == both(storage)


RANGES = {
    "all": Range(),
    "whole days": Range(MIDNIGHT, MIDNIGHT + 2 * DAY),
    "ragged": Range(NOON, MIDNIGHT + 2 * DAY + timedelta(hours=7)),
    "inside of a day": Range(NOON, NOON + timedelta(hours=1)),
    "over the end of what is sealed": Range(MIDNIGHT + 4 * DAY, HORIZON + DAY),
    "before": Range(None, MIDNIGHT),
    "after": Range(HORIZON, None),
    "from a day on": Range(MIDNIGHT + DAY, None),
}
WINDOWS = {
    "days": FixedWindows(MIDNIGHT, 86_400),
    "days of another zone": FixedWindows(MIDNIGHT - timedelta(hours=2), 86_400),
    "days from half an hour on": FixedWindows(MIDNIGHT + timedelta(minutes=30), 86_400),
    "weeks": FixedWindows(NOON, 7 * 86_400),
    "hours": FixedWindows(NOON, 3_600),
    "seven hours": FixedWindows(MIDNIGHT, 7 * 3_600),
    "minutes": FixedWindows(NOON, 60),
}


@pytest.fixture
def usage(storage: Storage) -> Storage:
    """A busy series, one of few readings and one that began late, over some days, not sealed."""
    keep(
        storage,
        *(sample(id=f"a{n}", timestamp=after_noon(700 * n), volume=n % 7) for n in range(700)),
        *(sample(id=f"b{n}", timestamp=after_noon(90_000 * n), meter="disk") for n in range(6)),
        *(
            sample(id=f"c{n}", timestamp=after_noon(250_000 + 3_600 * n), resource_id="vm-2")
            for n in range(30)
        ),
    )
    return storage


@pytest.mark.parametrize("hours", [0, 7], ids=["days", "a part of a day"])
@pytest.mark.parametrize("range_", RANGES.values(), ids=RANGES)
def test_ranges(usage: Storage, range_: Range, hours: int) -> None:
    """Whatever part is asked for."""
    before = summaries(usage, range=range_)
    seal(usage, HORIZON + timedelta(hours=hours))

    assert before == both(usage, range=range_)


@pytest.mark.parametrize("hours", [0, 7], ids=["days", "a part of a day"])
@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
def test_windows(usage: Storage, windows: FixedWindows, hours: int) -> None:
    """However it is sliced."""
    before = summaries(usage, windows=windows)
    seal(usage, HORIZON + timedelta(hours=hours))

    assert before == both(usage, windows=windows)


CALENDARS = [
    ("hour", "UTC"),
    ("hour", "Asia/Kathmandu"),
    ("day", "UTC"),
    ("day", "Europe/Berlin"),
    ("day", "Australia/Lord_Howe"),
    ("week", "America/New_York"),
    ("month", "Europe/Berlin"),
    ("year", "Asia/Kathmandu"),
]


@pytest.mark.parametrize("range_", [RANGES["whole days"], RANGES["ragged"]], ids=["days", "ragged"])
@pytest.mark.parametrize(("interval", "zone"), CALENDARS)
def test_windows_of_a_calendar(usage: Storage, interval: str, zone: str, range_: Range) -> None:
    """However long days and hours are there."""
    calendar = Calendar(interval=Interval(interval), zone=read_zone(zone))
    assert range_.start
    assert range_.end
    windows = calendar.windows(range_.start, range_.end).windows
    before = summaries(usage, range=range_, windows=windows)
    seal(usage)

    assert before == both(usage, range=range_, windows=windows)
    assert sum(one.count for one in before.values()) == len(samples(usage, range=range_)) > 0
    assert {window for _, window in before} <= {*windows}


LATE = {
    "fresh series": {"resource_id": "vm-9"},
    "empty day": {"resource_id": "vm-2"},
    "older": {"timestamp": MIDNIGHT - 40 * DAY},
}


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize("changes", [{}, *LATE.values()], ids=["same day", *LATE])
def test_late_samples_count(usage: Storage, changes: dict[str, Any], atomic: bool) -> None:
    """Samples of days that are sealed count at once, and after the days are sealed again."""
    seal(usage)
    late = [submission(**{"id": f"late{n}", "volume": 1000} | changes) for n in range(2)]
    assert record(usage, *late, atomic=atomic) == [S, S]
    found = summaries(usage)
    assert sum(one.count for one in found.values()) == 738
    assert contradictions(usage) == []

    assert seal(usage) > 0 or isinstance(usage, MemoryStorage)
    assert found == summaries(usage)
    assert contradictions(usage) == []
    assert found == both(usage)


@pytest.mark.parametrize("atomic", [False, True])
def test_verdicts_are_those_of_any_day(usage: Storage, atomic: bool) -> None:
    """Duplicates and conflicts of sealed days are told apart, and change nothing."""
    seal(usage)
    before = summaries(usage)
    again = submission(id="b0", timestamp=NOON, meter="disk")
    other = submission(id="b0", timestamp=NOON, meter="disk", volume=2)
    fresh = submission(id="new", timestamp=HORIZON + DAY)

    assert record(usage, again, again, atomic=atomic) == [D, D]
    assert record(usage, again, other, fresh, atomic=atomic) == [D, C, S]
    assert len(summaries(usage)) == len(before)
    assert (before == summaries(usage)) is atomic
    assert contradictions(usage) == []


def test_sealing_further(usage: Storage) -> None:
    """Days and hours that are sealed one by one answer as if they were sealed at once."""
    before = summaries(usage), totals(usage)
    for hours in (24, 48, 48, 24, 53, 54, 60.5, 59, 96, 97, 960):
        seal(usage, MIDNIGHT + timedelta(hours=hours))
        assert before == (summaries(usage), totals(usage))
        assert contradictions(usage) == []


def test_only_whole_hours_are_sealed(usage: Storage) -> None:
    """A sample that comes after the last whole hour has its place, later the same hour."""
    seal(usage, NOON + timedelta(minutes=350))
    keep(usage, sample(id="new", timestamp=NOON + timedelta(minutes=345), volume=1000))

    assert max(one.max for one in summaries(usage).values()) == 1000


def test_a_day_that_is_not_over(usage: Storage) -> None:
    """Samples that come late for its first hours count, and so do those of its next ones."""
    seal(usage, HORIZON + timedelta(hours=7))
    late = [sample(id=f"late{n}", timestamp=HORIZON + timedelta(hours=n)) for n in range(12)]
    keep(usage, *late)
    found = summaries(usage)
    assert sum(one.count for one in found.values()) == 736 + len(late)

    for hours in (7, 8, 5):
        seal(usage, HORIZON + timedelta(hours=hours))
        assert found == summaries(usage)
        assert contradictions(usage) == []
    assert found == both(usage)


def test_hours_are_sealed_again_with_their_day(usage: Storage) -> None:
    """Those of a busy day that was not over, and those of one for which a sample comes late."""
    windows = WINDOWS["hours"]
    before = summaries(usage, windows=windows)
    for hours in (44, 45, 48):
        seal(usage, MIDNIGHT + timedelta(hours=hours))
        assert before == summaries(usage, windows=windows)
    late = sample(id="late", timestamp=MIDNIGHT + timedelta(hours=40.5), volume=1000)
    keep(usage, late)
    seal(usage, MIDNIGHT + 2 * DAY)

    assert contradictions(usage) == []
    found = both(usage, windows=windows)
    changed = [one for pair, one in found.items() if one != before[pair]]
    assert [one.max for one in changed] == [1000]


def test_expired_samples_leave_sealed_days(usage: Storage) -> None:
    """What is deleted counts no more, in the midst of a day and of what is sealed."""
    seal(usage)
    usage.retire(Horizons(NOON + 2 * DAY))
    assert sum(usage.purge(usage.horizons())) > 0
    left = summaries(usage)

    assert contradictions(usage) == []
    assert sum(one.count for one in left.values()) == len(samples(usage))
    seal(usage)
    assert contradictions(usage) == []
    assert left == both(usage)


def test_a_very_long_window(storage: Storage) -> None:
    """One that begins before the year 1 is there to hold what is in it, sealed or not."""
    keep(storage, sample(), sample(id="s-2", timestamp=NOON + DAY))
    windows = FixedWindows(NOON, 94_608_000_000)
    before = summaries(storage, windows=windows)
    seal(storage)

    assert before == both(storage, windows=windows)


def test_the_ends_of_time(storage: Storage) -> None:
    """Any instant may be sealed before, and any sample sealed."""
    keep(storage, sample(timestamp=FIRST), sample(id="s-2", timestamp=LAST), sample(id="s-3"))
    before = summaries(storage)
    for until in (FIRST, NOON, LAST):
        seal(storage, until)
        assert before == summaries(storage)
    assert contradictions(storage) == []


def test_the_last_day_of_the_calendar(storage: Storage) -> None:
    """It has no end that could be named, and is as any other; the days before it are sealed."""
    hours = [timedelta(hours=hours) for hours in (1, 20, 30)]
    keep(storage, *(sample(id=f"s{n}", timestamp=LAST - ago) for n, ago in enumerate(hours)))
    found = summaries(storage), totals(storage)
    seal(storage, LAST)
    keep(storage, sample(id="late", timestamp=LAST - 2 * hours[0], meter="disk"))

    assert found[0].items() < summaries(storage).items()
    assert found[1].items() < totals(storage).items()
    assert contradictions(storage) == []


def test_a_store_that_is_unsealed_meanwhile(usage: Storage) -> None:
    """What was lost then is sealed the next time."""
    sealed = Range(None, HORIZON)
    before = summaries(usage, range=sealed)
    sealing = usage.seal(HORIZON)
    next(sealing, None)
    usage.unseal()
    list(sealing)
    seal(usage)
    effort = Effort()

    assert before == summaries(usage, range=sealed, effort=effort)
    assert effort.samples == 0 or isinstance(usage, MemoryStorage)


def test_verifying_while_samples_arrive(storage: Storage) -> None:
    """What changes meanwhile is no contradiction, in days that are sealed or not."""
    keep(storage, *(sample(id=f"s{n}", timestamp=after_noon(60 * n)) for n in range(3_000)))
    seal(storage, MIDNIGHT + DAY)
    stop = threading.Event()

    def write() -> None:
        for number in count():
            at = after_noon(number % 2_000 * 60 + 30)
            record(storage, submission(id=f"more-{number}", timestamp=at))
            if stop.is_set():
                return

    with ThreadPoolExecutor() as threads:
        writing = threads.submit(write)
        try:
            found = [contradictions(storage) for _ in range(3)]
        finally:
            stop.set()
        writing.result()

    assert found == [[], [], []]


@pytest.mark.durable
def test_another_connection_heeds_what_is_sealed(driver: Driver) -> None:
    """A process that recorded before days were sealed by another strikes them all the same."""
    with driver.fresh() as one, driver.again(one) as other:
        keep(other, sample())
        seal(one)
        keep(other, sample(id="late", timestamp=after_noon(1), volume=1000))

        assert summary(one).count == 2
        assert contradictions(one) == []


@pytest.mark.parametrize("readings", [1, folding.READINGS_FOR_A_PART])
def test_same_answers_with_sealing(
    driver: Driver, readings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is recorded, sealed, unsealed, and asked, in any order: answers are memory's.

    Also where every day of several descriptions is kept by each of them.
    """
    monkeypatch.setattr(folding, "READINGS_FOR_A_PART", readings)
    moments = st.none() | strategies.instants
    asking = strategies.summary_queries() | strategies.extent_queries()
    questions = st.lists(asking, min_size=1, max_size=6)

    @try_hard(driver, share=2)
    @given(strategies.histories(), st.lists(moments, min_size=30, max_size=30), questions)
    def check(history: History, seals: list[datetime | None], asked: list[Any]) -> None:
        memory = MemoryStorage()
        with driver.fresh() as storage:
            for batch, until in zip(history, seals, strict=False):
                record_in_both([batch], memory, storage)
                if until is None:
                    storage.unseal()
                else:
                    seal(storage, until)
                for query in asked:
                    assert answer(query, memory) == answer(query, storage)
            assert contradictions(storage) == []

    check()


WRITERS, BATCHES, BATCH = 3, 12, 9


def late_batch(writer: int, batch: int) -> list[Submission]:
    """Samples of three series, spread over five days."""
    return [
        submission(
            id=f"w{writer}-{batch}-{n}",
            timestamp=MIDNIGHT + (batch * 7 + n) % 5 * DAY + timedelta(seconds=n),
            resource_id=f"vm-{n % 3}",
        )
        for n in range(BATCH)
    ]


def write_late(storage: Storage, writer: int) -> None:
    """Record batches, some atomic; all must be new."""
    for batch in range(BATCHES):
        sent = late_batch(writer, batch)
        assert record(storage, *sent, atomic=batch % 2 == 0) == [S] * BATCH


def seal_again(storage: Storage, stop: threading.Event) -> None:
    """Seal more and less of the five days, and unseal now and then, until told to stop."""
    for days in cycle((1, 2, 3, 4, 5)):
        seal(storage, MIDNIGHT + days * DAY)
        if days == 4:
            storage.unseal()
        if stop.is_set():
            return


@pytest.mark.durable
def test_writers_and_sealers_at_once(driver: Driver) -> None:
    """Late samples from several threads while days are sealed: none is missing, none doubled."""
    with driver.fresh() as storage, ThreadPoolExecutor() as threads:
        keep(storage, sample(id="first"))
        stop = threading.Event()
        sealing = [threads.submit(seal_again, storage, stop) for _ in range(2)]
        writing = [threads.submit(write_late, storage, number) for number in range(WRITERS)]
        wait(writing)
        stop.set()
        for one in writing + sealing:
            one.result()
        expected = WRITERS * BATCHES * BATCH + 1

        assert contradictions(storage) == []
        assert len(samples(storage)) == expected
        assert sum(one.count for one in both(storage).values()) == expected


def test_effort_is_counted(usage: Storage) -> None:
    """Every series, and every sample or the pieces that stand for it."""
    effort = Effort()
    found = summaries(usage, effort=effort)

    assert effort.tracks == len(found) == 3
    assert effort.samples == 736
    assert effort.pieces == 0
