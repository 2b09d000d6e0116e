"""Calendar windows: golden ones by hand, and years of some zones beside watched clocks."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.calendar import (
    MAX_WINDOWS,
    MONTHS,
    Calendar,
    CalendarWindows,
    Interval,
    first_instant,
    read_zone,
)
from metering.errors import InvalidQuery
from metering.times import Range

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SUNDAY = 6


def utc(text: str) -> datetime:
    """The instant, of a text without an offset."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def calendar(interval: str, zone: str = "UTC", **rest: Any) -> Calendar:
    """A calendar, in short."""
    return Calendar(interval=Interval(interval), zone=ZoneInfo(zone), **rest)


def local(found: CalendarWindows, zone: str) -> list[str]:
    """When each window begins by the clocks of the zone, and the end of the last."""
    return [edge.astimezone(ZoneInfo(zone)).isoformat() for edge in found.windows.edges]


def hours(found: CalendarWindows) -> list[float]:
    """The length of each window in hours."""
    return [(one.end - one.start) / HOUR for one in found.windows if one.start and one.end]


@pytest.mark.parametrize(
    ("zone", "start", "end", "length"),
    [
        ("Europe/Berlin", "2026-09-30T22:00", "2026-10-31T23:00", 745),
        ("Europe/Berlin", "2026-02-28T23:00", "2026-03-31T22:00", 743),
        ("Europe/Berlin", "2026-01-31T23:00", "2026-02-28T23:00", 672),
        ("Europe/Berlin", "2028-01-31T23:00", "2028-02-29T23:00", 696),
        ("UTC", "2026-10-01", "2026-11-01", 744),
        ("Australia/Lord_Howe", "2026-09-30T13:30", "2026-10-31T13:00", 743.5),
        ("Australia/Lord_Howe", "2026-03-31T13:00", "2026-04-30T13:30", 720.5),
        ("Asia/Kathmandu", "2026-09-30T18:15", "2026-10-31T18:15", 744),
    ],
)
def test_a_month(zone: str, start: str, end: str, length: float) -> None:
    """One window that is whole, as long as it was."""
    found = calendar("month", zone).windows(utc(start), utc(end))

    assert ([length], frozenset()) == (hours(found), found.partial)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # Set back by half an hour at 2:00, and put forward.
        (
            "2026-04-04T14:00",
            "2026-04-04T16:30",
            ["01:00:00+11:00", "02:00:00+10:30", "03:00:00+10:30"],
        ),
        (
            "2026-10-03T14:30",
            "2026-10-03T17:00",
            ["01:00:00+10:30", "02:30:00+11:00", "03:00:00+11:00", "04:00:00+11:00"],
        ),
    ],
)
def test_hours_at_lord_howe(start: str, end: str, expected: list[str]) -> None:
    """One window of 90 minutes, or one of 30 from the jump on."""
    zone = "Australia/Lord_Howe"
    found = calendar("hour", zone).windows(utc(start), utc(end))

    assert expected == [text[11:] for text in local(found, zone)]
    assert frozenset() == found.partial
    assert hours(found) in ([1.5, 1], [1, 0.5, 1])


@pytest.mark.parametrize("minute", [1, 59, 60, 61, 89])
def test_a_range_that_begins_in_a_long_hour(minute: int) -> None:
    """The window that it begins in is cut, and ends when it does."""
    begin = utc("2026-04-04T14:00")
    start, edge, end = (begin + number * MINUTE for number in (minute, 90, 120))
    found = calendar("hour", "Australia/Lord_Howe").windows(start, end)

    assert (start, edge, end) == found.windows.edges
    assert {Range(start, edge), Range(edge, end)} == found.partial


@pytest.mark.parametrize(
    ("day", "count"), [("2026-10-25", 25), ("2026-03-29", 23), ("2026-10-26", 24)]
)
def test_hours_of_a_day_in_berlin(day: str, count: int) -> None:
    """The hour that comes twice has two windows, the one that is skipped has none."""
    zone = ZoneInfo("Europe/Berlin")
    start = first_instant(datetime.fromisoformat(day), zone)
    end = first_instant(datetime.fromisoformat(day) + DAY, zone)

    assert [1] * count == hours(calendar("hour", "Europe/Berlin").windows(start, end))


def test_hours_in_kathmandu() -> None:
    """Where clocks are 45 minutes off, hours are those that clocks show."""
    found = calendar("hour", "Asia/Kathmandu").windows(
        utc("2026-10-01T10:00"), utc("2026-10-01T12:00")
    )

    assert [0.25, 1, 0.75] == hours(found)
    first, _, last = found.windows
    assert {first, last} == found.partial


def test_midnight_that_does_not_exist() -> None:
    """In Sao Paulo the 15th began at 1:00."""
    zone = "America/Sao_Paulo"
    found = calendar("day", zone).windows(utc("2017-10-14T03:00"), utc("2017-10-17T02:00"))

    assert [24, 23, 24] == hours(found)
    assert "2017-10-15T01:00:00-02:00" == local(found, zone)[1]


def test_midnight_that_comes_twice() -> None:
    """In Havana clocks went back from 1:00 to 0:00; the day began at the first midnight."""
    zone = "America/Havana"
    found = calendar("day", zone).windows(utc("2025-11-02T04:00"), utc("2025-11-04T05:00"))

    assert [
        "2025-11-02T00:00:00-04:00",
        "2025-11-03T00:00:00-05:00",
        "2025-11-04T00:00:00-05:00",
    ] == local(found, zone)
    assert [25, 24] == hours(found)


@pytest.mark.parametrize("start", ["2010-11-07T02:30", "2010-11-07T02:45", "2010-11-07T03:15"])
def test_day_that_begins_before_yesterday_ends(start: str) -> None:
    """In St. John's clocks went back from 0:01 to 23:01: the first midnight had begun the day."""
    zone = "America/St_Johns"
    found = calendar("day", zone).windows(utc(start), utc("2010-11-08T03:30"))

    assert [utc(start), utc("2010-11-08T03:30")] == [*found.windows.edges]
    assert ("2010-11-07T02:30" != start) == bool(found.partial)


def test_day_that_was_skipped() -> None:
    """Samoa had no 30th of December 2011."""
    zone = "Pacific/Apia"
    found = calendar("day", zone).windows(utc("2011-12-29T10:00"), utc("2012-01-01T10:00"))

    assert ["12-29", "12-31", "01-01", "01-02"] == [text[5:10] for text in local(found, zone)]
    assert [24, 24, 24] == hours(found)


@pytest.mark.parametrize(
    ("first_weekday", "expected", "lengths"),
    [
        (0, ["10-26", "11-02", "11-09", "11-16"], [169, 168, 168]),
        (SUNDAY, ["10-25", "11-01", "11-08", "11-15"], [168, 169, 168]),
    ],
)
def test_weeks_in_new_york(first_weekday: int, expected: list[str], lengths: list[float]) -> None:
    """Weeks from Monday or from Sunday; the one in which clocks go back has an hour more."""
    zone = "America/New_York"
    days = [datetime.fromisoformat(f"2026-{day}") for day in (expected[0], expected[-1])]
    start, end = (first_instant(day, ZoneInfo(zone)) for day in days)
    found = calendar("week", zone, first_weekday=first_weekday).windows(start, end)

    assert expected == [text[5:10] for text in local(found, zone)]
    assert (lengths, frozenset()) == (hours(found), found.partial)


@pytest.mark.parametrize(
    ("interval", "anchor", "expected"),
    [
        (
            "month",
            "2026-01-15",
            ["2025-12-15", "2026-01-15", "2026-02-15", "2026-03-15", "2026-04-15"],
        ),
        (
            "month",
            "2026-01-31",
            ["2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        ),
        (
            "month",
            "2024-05-31",
            ["2025-12-31", "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"],
        ),
        (
            "month",
            "2030-02-28",
            ["2025-12-28", "2026-01-28", "2026-02-28", "2026-03-28", "2026-04-28"],
        ),
        ("quarter", "1970-01-01", ["2026-01-01", "2026-04-01", "2026-07-01"]),
        ("quarter", "2025-11-30", ["2025-11-30", "2026-02-28", "2026-05-30"]),
        ("quarter", "2027-02-15", ["2025-11-15", "2026-02-15", "2026-05-15"]),
        ("year", "1970-01-01", ["2026-01-01", "2027-01-01", "2028-01-01"]),
        (
            "year",
            "2024-02-29",
            ["2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29", "2029-02-28"],
        ),
    ],
)
def test_anchors(interval: str, anchor: str, expected: list[str]) -> None:
    """Each window begins on the day of the anchor, or on the last of its month; none drifts."""
    counted = calendar(interval, anchor=date.fromisoformat(anchor))
    edges = counted.edges(utc("2026-01-01"))

    assert expected == [next(edges).date().isoformat() for _ in expected]


@pytest.mark.parametrize(
    ("wall", "zone", "expected"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-03-29T02:00", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-03-29T03:00", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-03-29T01:59:59.999", "Europe/Berlin", "2026-03-29T00:59:59.999"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30"),
        ("2011-12-30T12:00", "Pacific/Apia", "2011-12-30T10:00"),
        ("2026-06-01T00:00", "UTC", "2026-06-01T00:00"),
    ],
)
def test_first_instant(wall: str, zone: str, expected: str) -> None:
    """Of a time that is skipped, the first that is there; of one that comes twice, the first."""
    found = first_instant(datetime.fromisoformat(wall), ZoneInfo(zone))

    assert utc(expected) == found


# --- a year of clocks that are looked at each minute


Minutes = list[tuple[datetime, datetime]]


def clocks(name: str, year: int) -> Minutes:
    """Each minute of a year: the instant, and what clocks show, without a zone."""
    zone = ZoneInfo(name)
    begin = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    return [
        (datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(at, zone).replace(tzinfo=None))
        for at in range(begin, begin + 366 * 86_400, 60)
    ]


def watched_hours(minutes: Minutes) -> Iterator[datetime]:
    """When a full hour is shown, or one is jumped over; after the first minute."""
    for (_, before), (at, wall) in pairwise(minutes):
        expected = before + MINUTE
        jumped_over = expected + (60 - expected.minute) % 60 * MINUTE <= wall
        if wall.minute == 0 or jumped_over:
            yield at


def watched(days: list[tuple[datetime, date]], number: Callable[[date], int]) -> Iterator[datetime]:
    """When a day is shown for the first time whose number is greater than all before."""
    greatest = number(days[0][1])
    for at, day in days:
        if number(day) > greatest:
            yield at
            greatest = number(day)


def month_from(anchor: date) -> Callable[[date], int]:
    """Numbers of the months that begin on the day of the anchor."""

    def number(day: date) -> int:
        last = (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY
        is_later = day.day >= min(anchor.day, last.day)
        return 12 * (day.year - anchor.year) + day.month - anchor.month - (not is_later) + 12_000

    return number


def counted_in(months: int, anchor: date) -> Callable[[date], int]:
    """Numbers of so many months together."""
    return lambda day: month_from(anchor)(day) // months


FIRST_OF_YEAR, FIFTEENTH, LAST_OF_MONTH = date(2000, 1, 1), date(2025, 11, 15), date(2024, 8, 31)
CUTS: dict[str, tuple[dict[str, Any], Callable[[date], int]]] = {
    "day": ({}, date.toordinal),
    "week": ({}, lambda day: (day.toordinal() - 1) // 7),
    "week from Sunday": ({"first_weekday": SUNDAY}, lambda day: day.toordinal() // 7),
    **{
        f"{interval} from {anchor}": ({"anchor": anchor}, counted_in(MONTHS[interval], anchor))
        for interval in MONTHS
        for anchor in (FIRST_OF_YEAR, FIFTEENTH, LAST_OF_MONTH)
    },
}
YEARS = [
    ("Europe/Berlin", 2026),
    ("America/New_York", 2026),
    ("Asia/Kathmandu", 2026),
    ("Australia/Lord_Howe", 2026),
    ("America/Sao_Paulo", 2017),
    ("America/St_Johns", 2010),
    ("Pacific/Apia", 2011),
]


@pytest.mark.parametrize(("zone", "year"), YEARS)
def test_a_year_of_watched_clocks(zone: str, year: int) -> None:
    """Windows of every kind begin when somebody who looks at the clock says that they do."""
    minutes = clocks(zone, year)
    days = [(at, to.date()) for (_, of), (at, to) in pairwise(minutes) if of.date() != to.date()]
    start, end = minutes[0][0], minutes[-1][0] + MINUTE

    def inner(made: Calendar) -> list[datetime]:
        return [*made.windows(start, end).windows.edges[1:-1]]

    assert [*watched_hours(minutes)] == inner(calendar("hour", zone))
    for name, (rest, number) in CUTS.items():
        seen = watched([(start, minutes[0][1].date()), *days], number)

        assert [*seen] == inner(calendar(name.split()[0], zone, **rest)), name


# --- any range


ZONES = st.sampled_from(
    [*sorted({name for name, _ in YEARS}), "UTC", "Asia/Gaza", "Africa/Casablanca"]
)
CALENDARS = st.builds(
    Calendar,
    interval=st.sampled_from(Interval),
    zone=ZONES.map(ZoneInfo),
    first_weekday=st.sampled_from([0, SUNDAY]),
    anchor=st.dates(date(1990, 1, 1), date(2040, 1, 1)),
)
INSTANTS = st.integers(0, 2 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC))
LENGTHS = st.integers(1, 400 * 86_400 * 1000).map(lambda length: timedelta(milliseconds=length))


@given(CALENDARS, INSTANTS, LENGTHS, st.data())
def test_windows_fill_the_range(
    made: Calendar, start: datetime, length: timedelta, data: st.DataObject
) -> None:
    """Without gaps, overlaps or empty ones; none but the first and last are cut."""
    end = start + length
    found = made.windows(start, end)
    windows = [*found.windows]
    within = data.draw(st.integers(0, length // timedelta(milliseconds=1) - 1))
    instant = start + timedelta(milliseconds=within)

    assert (start, end) == (windows[0].start, windows[-1].end)
    assert [one.end for one in windows[:-1]] == [one.start for one in windows[1:]]
    assert not any(one.is_empty for one in windows)
    assert found.partial <= {windows[0], windows[-1]}
    assert instant in found.windows.containing(instant)


@given(CALENDARS, INSTANTS, st.integers(1, 100))
def test_a_range_of_whole_windows_has_none_that_is_cut(
    made: Calendar, instant: datetime, count: int
) -> None:
    """They are the same wherever the range begins."""
    edges = made.edges(instant)
    listed = [next(edges) for _ in range(count + 1)]
    found = made.windows(listed[0], listed[-1])

    assert listed[0] <= instant < listed[1]
    assert (tuple(listed), frozenset()) == (found.windows.edges, found.partial)


def test_cut_windows_are_partial() -> None:
    """A window is partial if it is cut at either side."""
    found = calendar("day").windows(utc("2026-10-01T06:00"), utc("2026-10-03T18:00"))
    first, _, last = found.windows

    assert {first, last} == found.partial
    assert [18, 24, 18] == hours(found)


def test_one_window_cut_at_both_sides() -> None:
    """The range itself."""
    start, end = utc("2026-10-01T06:00"), utc("2026-10-01T07:00")
    found = calendar("year").windows(start, end)

    assert [Range(start, end)] == [*found.windows]
    assert {Range(start, end)} == found.partial


@pytest.mark.parametrize("length", [timedelta(0), -DAY])
def test_no_range_no_windows(length: timedelta) -> None:
    """An empty range has none."""
    found = calendar("day").windows(utc("2026-10-01"), utc("2026-10-01") + length)

    assert [] == [*found.windows]


@pytest.mark.parametrize("interval", ["hour", "day", "week", "month", "quarter"])
def test_as_many_windows_as_allowed(interval: str) -> None:
    """Ten thousand, and not one more, also where clocks crossed the date line."""
    made = calendar(interval, "Pacific/Apia")
    edges = made.edges(utc("2011-12-01"))
    listed = [next(edges) for _ in range(MAX_WINDOWS + 1)]
    most = made.windows(listed[0], listed[-1])

    assert tuple(listed) == most.windows.edges
    with pytest.raises(InvalidQuery, match="more than 10000 windows"):
        made.windows(listed[0], listed[-1] + timedelta(milliseconds=1))


@pytest.mark.parametrize("interval", ["hour", "day"])
def test_far_too_many_windows_are_not_made(interval: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand years are refused before the first is looked for."""
    monkeypatch.setattr(Calendar, "edges", None)

    with pytest.raises(InvalidQuery, match="more than 10000 windows"):
        calendar(interval).windows(utc("0100-01-01"), utc("2100-01-01"))


@pytest.mark.parametrize(
    ("interval", "zone", "start", "end", "rest"),
    [
        ("day", "America/New_York", "0001-01-01", "0001-01-02", {}),
        ("day", "Asia/Kathmandu", "9999-12-31", "9999-12-31T23:00", {}),
        ("day", "UTC", "9999-12-30", "9999-12-31T23:59:59.999", {}),
        ("hour", "UTC", "0001-01-01", "0001-01-01T05:00", {}),
        ("hour", "UTC", "9999-12-31T22:00", "9999-12-31T23:59", {}),
        ("week", "UTC", "0001-01-03", "0001-01-05", {"first_weekday": SUNDAY}),
        ("month", "UTC", "0001-01-03", "0001-01-05", {"anchor": date(2026, 1, 15)}),
        ("year", "UTC", "9999-01-03", "9999-01-05", {}),
    ],
)
def test_windows_out_of_the_calendar(
    interval: str, zone: str, start: str, end: str, rest: dict[str, Any]
) -> None:
    """There are no years but 1 to 9999, in UTC or elsewhere."""
    with pytest.raises(OverflowError):
        calendar(interval, zone, **rest).windows(utc(start), utc(end))


def test_windows_at_the_ends_of_the_calendar() -> None:
    """Those that are in it wholly are found."""
    assert [24] == hours(calendar("day").windows(utc("0001-01-01"), utc("0001-01-02")))
    assert [24] == hours(calendar("day").windows(utc("9999-12-30"), utc("9999-12-31")))


# --- names of zones


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+1"]
)
def test_zones_by_name(name: str) -> None:
    """A zone is found by its name in the IANA database."""
    assert name == read_zone(name).key


@pytest.mark.parametrize(
    "name",
    ["", " ", "europe/berlin", "Europe", "CEST", "+02:00", "localtime", "posix/UTC", "right/UTC",
     "../UTC", "Europe/../UTC", "/etc/localtime", "/usr/share/zoneinfo/UTC", "UTC\0", "\ud800",
     "zone.tab", "tzdata.zi", "U" * 9_999],
)  # fmt: skip
def test_names_of_no_zone(name: str) -> None:
    """Another case, a file, a path or an offset is no zone, and no file is opened for it."""
    with pytest.raises(InvalidQuery, match="tz must be a name of the IANA") as caught:
        read_zone(name)

    assert "tz" == caught.value.field
    assert len(caught.value.message) < 200


def test_zones_of_a_machine_that_has_none() -> None:
    """The package tzdata is there for those."""
    program = "from metering.calendar import read_zone; print(read_zone('Europe/Berlin'))"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONTZPATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "Europe/Berlin" == ran.stdout.strip()
