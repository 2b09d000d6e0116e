"""Windows of usage by name, at moments that were chosen for their clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from metering.api.reading.windows import read_window
from metering.calendar import read_zone
from metering.errors import InvalidQuery
from metering.times import Range, write
from metering.usage.windows import UsageWindow

# In Berlin a Thursday, 8:30; clocks went back on Sunday.
NOW = datetime(2026, 10, 29, 7, 30, tzinfo=UTC)


def window(name: str, zone: str = "Europe/Berlin", now: datetime = NOW) -> UsageWindow:
    """The window of that name."""
    return read_window(name, read_zone(zone), now)


def shown(range_: Range) -> tuple[str, str]:
    """Its bounds, in UTC."""
    assert range_.start
    assert range_.end
    return write(range_.start), write(range_.end)


NAMED = {
    "today": ("2026-10-28T23:00:00Z", "2026-10-29T07:30:00Z"),
    "yesterday": ("2026-10-27T23:00:00Z", "2026-10-28T23:00:00Z"),
    "wtd": ("2026-10-25T23:00:00Z", "2026-10-29T07:30:00Z"),
    "mtd": ("2026-09-30T22:00:00Z", "2026-10-29T07:30:00Z"),
    "qtd": ("2026-09-30T22:00:00Z", "2026-10-29T07:30:00Z"),
    "ytd": ("2025-12-31T23:00:00Z", "2026-10-29T07:30:00Z"),
    "last_month": ("2026-08-31T22:00:00Z", "2026-09-30T22:00:00Z"),
    "2026-10": ("2026-09-30T22:00:00Z", "2026-10-31T23:00:00Z"),
    "2026-10-25": ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
    "2026-10-01T12:00/2026-11-01": ("2026-10-01T10:00:00Z", "2026-10-31T23:00:00Z"),
    "2026-10-01T12:00Z/2026-10-02T00:00-05:00": ("2026-10-01T12:00:00Z", "2026-10-02T05:00:00Z"),
}


@pytest.mark.parametrize(("name", "bounds"), NAMED.items())
def test_bounds(name: str, bounds: tuple[str, str]) -> None:
    """They are those of the zone's clocks; what is so far ends now."""
    assert bounds == shown(window(name).range)


BEFORE = {
    "today": ("2026-10-27T23:00:00Z", "2026-10-28T07:30:00Z"),
    "yesterday": ("2026-10-26T23:00:00Z", "2026-10-27T23:00:00Z"),
    "wtd": ("2026-10-18T22:00:00Z", "2026-10-22T06:30:00Z"),
    "mtd": ("2026-08-31T22:00:00Z", "2026-09-29T07:30:00Z"),
    "last_month": ("2026-07-31T22:00:00Z", "2026-08-31T22:00:00Z"),
    "2026-09": ("2026-07-31T22:00:00Z", "2026-08-31T22:00:00Z"),
    "2026-10": ("2026-08-31T22:00:00Z", "2026-09-29T07:30:00Z"),
    "2026-11": ("2026-09-30T22:00:00Z", "2026-09-30T22:00:00Z"),
    "2026-10-25": ("2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z"),
    "2026-10-25/2026-10-26": ("2026-10-23T21:00:00Z", "2026-10-24T22:00:00Z"),
    "2026-10-29/2026-10-30": ("2026-10-27T23:00:00Z", "2026-10-28T07:30:00Z"),
}


@pytest.mark.parametrize(("name", "bounds"), BEFORE.items())
def test_the_window_before(name: str, bounds: tuple[str, str]) -> None:
    """As a whole once a window is over, else as much of it as has passed of this one."""
    assert bounds == shown(window(name).previous)


def test_a_longer_month_is_not_compared_beyond_the_shorter_one() -> None:
    """On March 31 the whole of February is before, and none of March."""
    found = window("mtd", "UTC", datetime(2026, 3, 31, 12, tzinfo=UTC))

    assert shown(found.previous) == ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")


@pytest.mark.parametrize(
    ("name", "is_complete"),
    [("mtd", False), ("today", False), ("yesterday", True), ("2026-09", True), ("2026-10", False)],
)
def test_complete(name: str, *, is_complete: bool) -> None:
    """Once it is over; what is so far never is."""
    assert window(name).is_complete is is_complete


def test_complete_from_its_end_on() -> None:
    """A range that ends now is over, one that ends a moment later is not."""
    for later, is_complete in ((0, True), (1, False)):
        end = NOW + timedelta(milliseconds=later)
        assert window(f"2026-10-01/{write(end)}").is_complete is is_complete


def test_at_the_first_moment_of_a_month() -> None:
    """Nothing has passed: the windows are empty."""
    found = window("mtd", "UTC", datetime(2026, 10, 1, tzinfo=UTC))

    assert found.range.is_empty
    assert found.previous.is_empty


@pytest.mark.parametrize("name", ["", "MTD", "2026", "2026-13", "2026-1", "x/y", "/", "2026-10/"])
def test_no_window(name: str) -> None:
    """What it may be is said."""
    with pytest.raises(InvalidQuery, match="window must be one of today"):
        window(name)


@pytest.mark.parametrize("name", ["0001-01", "9999-12", "9999-12-31"])
def test_out_of_the_calendar(name: str) -> None:
    """Also if only the window before is."""
    with pytest.raises(InvalidQuery, match="calendar"):
        window(name, "UTC")
