"""Vectors worked out by hand, most of them failures of other systems; sealed or not.

Numbers of issues are those that the systems' users gave them.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import sample
from contract.asking import EVERYONE, keep

from metering.calendar import Calendar, Interval, read_zone
from metering.model import MeterType, Sample
from metering.query import EVERYTHING, FIELDS, metadata_field
from metering.retention import Horizons
from metering.storage.base import Storage
from metering.times import MILLISECOND, Range, WholeRange
from metering.usage.figures import Aggregate
from metering.usage.segments import SegmentQuery, segments
from metering.usage.statistics import StatisticsQuery, statistics

GAUGE, COUNTER, DELTA = MeterType.GAUGE, MeterType.CUMULATIVE, MeterType.DELTA
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
T = datetime(2026, 10, 5, 12, tzinfo=UTC)
USAGE = Aggregate("usage")

Seal = Callable[[], None]


@pytest.fixture(params=["as it is", "sealed"])
def seal(request: pytest.FixtureRequest, storage: Storage) -> Seal:
    """Seals everything, in every second test."""

    def sealed() -> None:
        if request.param == "sealed":
            list(storage.seal(NOW))

    return sealed


def told(type_: MeterType, *readings: tuple[datetime, Any], **changes: Any) -> list[Sample]:
    """Samples of one stream."""
    resource = changes.get("resource_id", "vm-1")
    return [
        sample(id=f"{resource} {at}", timestamp=at, volume=volume, type=type_, **changes)
        for at, volume in readings
    ]


def used(  # noqa: PLR0913 - what may be asked
    storage: Storage,
    start: datetime,
    end: datetime,
    *,
    aggregate: Aggregate = USAGE,
    interval: Interval | None = None,
    zone: str = "UTC",
    max_gap: timedelta | None = None,
    now: datetime = NOW,
) -> list[Decimal | None]:
    """The figure of each window of a range, or of all of it."""
    range_ = Range(start, end)
    calendar = Calendar(interval=interval or Interval.DAY, zone=read_zone(zone))
    query = StatisticsQuery(
        scope=EVERYONE,
        range=range_,
        windows=calendar.windows(start, end).windows if interval else WholeRange(range_),
        aggregates=(aggregate,),
        now=now,
        max_gap=max_gap,
    )
    return [row.figures[aggregate] for row in statistics(storage, query, 10_000)]


def local(zone: str, *parts: int) -> datetime:
    """An instant by the clocks of a zone."""
    return datetime(*parts, tzinfo=read_zone(zone)).astimezone(UTC)  # type: ignore[arg-type,misc]


def every_hour(start: datetime, end: datetime, volume: Any = 1) -> Sequence[tuple[datetime, Any]]:
    """Readings from start on, an hour apart, before the end."""
    return [(start + n * HOUR, volume) for n in range((end - start) // HOUR)]


def test_a_counter_at_a_boundary(storage: Storage, seal: Seal) -> None:
    """1000 at T+40, 500 at T+20: half of what lies between is before T+30, 750 in all."""
    seconds = [(T + timedelta(seconds=at), volume) for at, volume in
               ((0, 0), (10, 100), (20, 500), (40, 1000))]  # fmt: skip
    keep(storage, *told(COUNTER, *seconds))
    seal()
    boundary = T + timedelta(seconds=30)

    assert used(storage, T, boundary) == [750]
    assert used(storage, boundary, T + HOUR) == [250]
    assert used(storage, T, T + HOUR) == [1000]


def test_a_counter_that_begins_again(storage: Storage, seal: Seal) -> None:
    """gnocchi#1: 0, 10, 20, 30, 0, 20, 30 counted 60, not 30 and nothing negative."""
    volumes = [0, 10, 20, 30, 0, 20, 30]
    keep(storage, *told(COUNTER, *((T + n * HOUR, v) for n, v in enumerate(volumes))))
    seal()

    assert used(storage, T, T + DAY) == [60]
    hours = used(storage, T, T + 6 * HOUR, interval=Interval.HOUR)
    assert hours == [10, 10, 10, 0, 20, 10]


def test_usage_is_never_negative(storage: Storage, seal: Seal) -> None:
    """cf-abacus#496: whatever comes before a restart of counting."""
    keep(storage, *told(COUNTER, (T, 10**12), (T + HOUR, 3), (T + 2 * HOUR, 1)))
    seal()

    assert used(storage, T, T + DAY, interval=Interval.HOUR) == [3, 1, 0]


def test_gigabyte_hours(storage: Storage, seal: Seal) -> None:
    """10 GB for 10 days, 30 for 10, 20 for 11: 14,880 GB-hours, 20 GB on average."""
    start = datetime(2026, 10, 1, tzinfo=UTC)
    keep(storage, *told(GAUGE, (start, 10), (start + 10 * DAY, 30), (start + 20 * DAY, 20)))
    seal()
    end = start + 31 * DAY

    assert used(storage, start, end) == [14_880]
    assert used(storage, start, end, aggregate=Aggregate("timeavg")) == [20]


@pytest.mark.parametrize(
    ("param", "expected"), [("second", 36_000), ("minute", 600), ("hour", 10), ("day", None)]
)
def test_units_of_time(storage: Storage, seal: Seal, param: str, expected: int | None) -> None:
    """lago#339: the same integral, in the unit that was asked for; rounded once."""
    keep(storage, *told(GAUGE, (T, 10)))
    seal()
    found = used(storage, T, T + HOUR, aggregate=Aggregate("integral", param))

    assert found == [Decimal("0.416666666667") if expected is None else expected]


def test_seconds_are_not_rounded(storage: Storage, seal: Seal) -> None:
    """Of 1E-27 for a millisecond all thirty places are left, so that what is added up is exact."""
    keep(storage, *told(GAUGE, (T, Decimal("1E-27")), (T + MILLISECOND, 0)))
    seal()

    found = used(storage, T, T + HOUR, aggregate=Aggregate("integral", "second"))
    assert found == [Decimal("1E-30")]


def test_what_expired_is_in_no_figure(storage: Storage, seal: Seal) -> None:
    """Nothing is carried over the horizon, and the first reading that is left is the first."""
    later = T + 30 * DAY
    keep(storage, *told(GAUGE, (T, 10)))
    keep(storage, *told(COUNTER, (T, 1000), (later, 1010), resource_id="vm-2"))
    seal()

    def asked() -> list[tuple[MeterType, Decimal]]:
        question = SegmentQuery(
            scope=EVERYONE,
            by=(FIELDS["unit"],),
            now=NOW,
            range=Range(later, later + DAY),
            first_counts=True,
        )
        return [(one.stream.type, one.usage) for one in segments(storage, question)]

    assert asked() == [(GAUGE, 240), (COUNTER, 0)]
    list(storage.purge(storage.retire(Horizons(T + DAY))))
    assert asked() == [(COUNTER, 1010)]


def test_a_bound_beside_a_longer_reading(storage: Storage, seal: Seal) -> None:
    """The bound has 12 places, the reading 13: what is too much before is too little after."""
    bound, last = T + timedelta(seconds=999), T + timedelta(seconds=1000)
    keep(storage, *told(COUNTER, (T, 0), (last, Decimal("6E-13"))))
    seal()

    assert used(storage, T, bound) == [Decimal("1E-12")]
    assert used(storage, bound, T + HOUR) == [Decimal("-4E-13")]
    assert used(storage, T, T + HOUR) == [Decimal("6E-13")]


def test_polls_are_no_hours(storage: Storage, seal: Seal) -> None:
    """robosystems#1095: a machine that is polled every ten minutes runs an hour in an hour."""
    polls = [(T + n * timedelta(minutes=10), 1) for n in range(6)]
    keep(storage, *told(GAUGE, *polls))
    seal()

    assert used(storage, T, T + HOUR) == [1]
    assert used(storage, T, T + HOUR, aggregate=Aggregate("sum")) == [6]


def test_what_runs_on_without_news(storage: Storage, seal: Seal) -> None:
    """cf-abacus#88: a machine that was last heard of in September runs all of October."""
    keep(storage, *told(GAUGE, (datetime(2026, 9, 3, tzinfo=UTC), 2)))
    seal()
    october = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)

    assert used(storage, *october) == [2 * 744]
    assert used(storage, *october, max_gap=HOUR) == []


def test_out_of_order(storage: Storage, seal: Seal) -> None:
    """cf-abacus#231, openmeter#5005: what comes late counts, also once days are sealed."""
    readings = [(T + n * HOUR, n * n) for n in range(30)]
    late = told(COUNTER, *readings[::2])
    keep(storage, *reversed(told(COUNTER, *readings[1::2])))
    seal()
    keep(storage, *reversed(late))

    assert used(storage, T, T + 2 * DAY) == [29 * 29]
    assert used(storage, T, T + 29 * HOUR, interval=Interval.HOUR) == [2 * n + 1 for n in range(29)]


@pytest.mark.parametrize(("zone", "hours"), [("UTC", 744), ("Europe/Berlin", 745)])
def test_an_october(storage: Storage, seal: Seal, zone: str, hours: int) -> None:
    """killbill#743, openmeter#3313: in Berlin it has an hour more, and its days add up to it."""
    start, end = local(zone, 2026, 10, 1), local(zone, 2026, 11, 1)
    keep(storage, *told(GAUGE, *every_hour(start - DAY, end + DAY)))
    seal()

    assert used(storage, start, end) == [hours]
    assert used(storage, start, end, interval=Interval.MONTH, zone=zone) == [hours]
    days = used(storage, start, end, interval=Interval.DAY, zone=zone)
    assert (len(days), days[-1]) == (31, 24)  # killbill#1438: the last is there
    assert days[24] == (25 if zone == "Europe/Berlin" else 24)


def test_a_march(storage: Storage, seal: Seal) -> None:
    """In Berlin it has 743 hours."""
    start, end = local("Europe/Berlin", 2026, 3, 1), local("Europe/Berlin", 2026, 4, 1)
    keep(storage, *told(GAUGE, *every_hour(start, end)))
    seal()

    assert used(storage, start, end) == [743]


def test_events_about_midnight(storage: Storage, seal: Seal) -> None:
    """cf-abacus#182, lago-api#879, #1074: each is of one month, and of the right one."""
    zone = "America/New_York"
    midnight = local(zone, 2026, 11, 1)
    moment = timedelta(milliseconds=1)
    keep(storage, *told(DELTA, (midnight - moment, 1), (midnight, 2), (midnight + moment, 4)))
    seal()
    start, end = local(zone, 2026, 10, 1), local(zone, 2026, 12, 1)

    assert used(storage, start, end, interval=Interval.MONTH, zone=zone) == [1, 6]
    assert used(storage, start, end, interval=Interval.MONTH) == [7]


def test_fractions(storage: Storage, seal: Seal) -> None:
    """killbill#1124, nango#7495, autumn#3407: no cent is lost, and no 0.0199999 is found."""
    keep(storage, *told(DELTA, *((T + n * HOUR, "0.01") for n in range(2))))
    keep(storage, *told(DELTA, *((T + n * HOUR, "0.1") for n in range(3)), resource_id="vm-2"))
    keep(storage, *told(COUNTER, (T, 0), (T + 3 * HOUR, 1), resource_id="vm-3"))
    seal()

    assert used(storage, T, T + 3 * HOUR) == [1, Decimal("0.32")]
    thirds = [
        one
        for one in used(storage, T, T + 3 * HOUR, interval=Interval.HOUR)
        if one is not None and one > Decimal("0.3")
    ]
    assert sum(thirds) == 1


def test_half_an_hour(storage: Storage, seal: Seal) -> None:
    """At Lord Howe an hour has 90 minutes when clocks go back, and one 30 when they go on."""
    zone = "Australia/Lord_Howe"
    back, on = local(zone, 2026, 4, 5), local(zone, 2026, 10, 4)
    polls = [(at + n * timedelta(minutes=5), 60) for at in (back, on) for n in range(60)]
    keep(storage, *told(GAUGE, *polls))
    seal()

    def hours(start: datetime) -> list[Decimal | None]:
        return used(storage, start, start + 4 * HOUR, interval=Interval.HOUR, zone=zone)

    assert hours(back) == [60, 90, 60, 30]  # the last is cut by the range
    assert hours(on) == [60, 60, 30, 60, 30]


def test_a_midnight_that_is_missing(storage: Storage, seal: Seal) -> None:
    """In Sao Paulo the 15th of October 2017 began at one, and had 23 hours."""
    zone = "America/Sao_Paulo"
    start, end = local(zone, 2017, 10, 14), local(zone, 2017, 10, 17)
    keep(storage, *told(GAUGE, *every_hour(start, end)))
    seal()

    assert used(storage, start, end, interval=Interval.DAY, zone=zone) == [24, 23, 24]


def test_what_a_resource_was(storage: Storage, seal: Seal) -> None:
    """A, B, A: three segments, which are the whole; statistics go on ignoring what changed."""
    for n, flavor in enumerate(["a", "b", "a"]):
        metadata = {"flavor": flavor}
        keep(storage, *told(GAUGE, (T + n * HOUR, n + 1), metadata=metadata))
    seal()
    query = SegmentQuery(
        scope=EVERYONE,
        filter=EVERYTHING,
        by=(metadata_field("flavor"),),
        now=NOW,
        range=Range(T, T + 3 * HOUR),
        max_gap=HOUR,
    )
    found = segments(storage, query)

    assert [(one.values, one.number, one.usage) for one in found] == [
        (("a",), 1, 1),
        (("b",), 2, 2),
        (("a",), 3, 3),
    ]
    assert used(storage, T, T + 3 * HOUR, max_gap=HOUR) == [6]
