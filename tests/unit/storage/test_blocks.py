"""Blocks come back from bytes as they were, to the last digit, and days are where they belong."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import strategies
from builders import NOON, readings
from hypothesis import given

from metering.storage.blocks import (
    READINGS_FOR_HOURS,
    Block,
    day_of,
    days_of,
    days_range,
    decode,
    decode_whole,
    encode_days,
    encode_hours,
    fold,
    month_of,
    start_of,
)
from metering.summary import Reading, joined, of_stream
from metering.times import FIRST, LAST, Range

FAR = [
    Decimal(999999999999999999999999999),
    Decimal(-999999999999999999999999999),
    Decimal("1E-27"),
    Decimal("1234567.890123456789012345678901234"),
]


def block_of(month: int, found: list[Reading]) -> Block:
    """The block of all readings, which reaches to the end of the month."""
    folded = fold(found)
    return Block(days_of(month).stop, folded.days, folded.hours)


@pytest.mark.parametrize("at", [FIRST, NOON, LAST - timedelta(hours=23)])
def test_far_volumes_at_far_instants(at: datetime) -> None:
    """Sums of squares have a hundred digits, integrals more places than volumes."""
    found = [Reading(at + timedelta(hours=n), volume) for n, volume in enumerate(FAR)]
    month = month_of(day_of(at))
    block = block_of(month, found)

    assert block == decode(encode_days(block, month), encode_hours(block))
    assert decode_whole(encode_days(block, month), month) == (block.end, of_stream(found))


@given(strategies.streams(min_size=1))
def test_any_stream(stream: list[Reading]) -> None:
    """Whatever is folded comes back, and joined it is the whole stream."""
    month = month_of(day_of(stream[0].at))
    block = block_of(month, stream)

    assert block == decode(encode_days(block, month), encode_hours(block))
    assert joined([block.days[day] for day in sorted(block.days)]) == of_stream(stream)


def test_an_empty_block() -> None:
    """It says up to where there is nothing."""
    empty = Block(days_of(month_of(0)).stop, {}, {})

    assert encode_hours(empty) is None
    assert empty == decode(encode_days(empty, month_of(0)), None)
    assert decode_whole(encode_days(empty, month_of(0)), month_of(0)) == (31, None)


def test_busy_days_have_hours() -> None:
    """From so many readings on; joined, the hours are the day."""
    busy = fold(readings(*((300 * n, n) for n in range(READINGS_FOR_HOURS))))
    quiet = fold(readings(*((300 * n, n) for n in range(READINGS_FOR_HOURS - 1))))

    assert quiet.hours == {}
    ((day, hours),) = busy.hours.items()
    assert joined([hours[hour] for hour in sorted(hours)]) == busy.days[day]


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC), -1),
        (datetime(2016, 2, 29, 12, tzinfo=UTC), 16_860),
        (FIRST, -719_162),
        (LAST, 2_932_896),
    ],
)
def test_days_are_counted_from_1970(instant: datetime, day: int) -> None:
    """Before it too, and leap days count."""
    assert day == day_of(instant)
    assert day_of(start_of(day)) == day
    assert start_of(day) <= instant


@pytest.mark.parametrize(
    ("year", "month", "length"), [(2016, 2, 29), (2015, 2, 28), (9999, 12, 31)]
)
def test_months_have_their_days(year: int, month: int, length: int) -> None:
    """Leap years included."""
    days = days_of(year * 12 + month - 1)

    assert len(days) == length
    assert start_of(days[0]) == datetime(year, month, 1, tzinfo=UTC)
    assert {month_of(day) for day in days} == {year * 12 + month - 1}


def test_a_range_of_days_is_half_open() -> None:
    """It begins with the first, and ends before the last."""
    assert days_range(0, 2) == Range(
        datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 3, tzinfo=UTC)
    )
