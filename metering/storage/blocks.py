"""Blocks: the Summaries of a series for each day of a month, kept so that nobody reads its samples.

Those of a rollup have what all of its series have on a day, so that nobody reads theirs. A block
covers the days (UTC) from the first of its month up to `end`: a day that it covers and does not
have is empty. Days of series with many readings have their hours too. Blocks are derived: without
one, samples are read. A day that is *struck* is read from samples whatever the block says, until
it is sealed again.
"""

import calendar
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import msgspec

from metering.decimals import EXACT
from metering.storage.handles import Handle
from metering.summary import Reading, Summary, joined, of_reading, of_stream
from metering.times import Range, from_milliseconds, to_milliseconds

DAY_MS = 86_400_000
HOUR_MS = 3_600_000

# Below this many readings a day they are read as quickly as its hours.
READINGS_FOR_HOURS = 96


Together = Callable[[Sequence[Summary]], Summary]


class Grain(Enum):
    """The shortest pieces that an answer can be made of."""

    DAY = "day"
    HOUR = "hour"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class Block:
    """What is kept for the days of a month that lie before `end`, by day since 1970.

    `hours` has the Summaries of the hours of busy days, by day and by hour since 1970.
    """

    end: int
    days: Mapping[int, Summary]
    hours: Mapping[int, Mapping[int, Summary]]


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block as a driver keeps it; `days` None where there is nothing but days that are struck."""

    handle: Handle
    month: int
    days: bytes | None
    hours: bytes | None
    struck: Collection[int]


def day_of(instant: datetime) -> int:
    """Days since 1970."""
    return to_milliseconds(instant) // DAY_MS


def start_of(day: int) -> datetime:
    """The first instant of a day since 1970."""
    return from_milliseconds(day * DAY_MS)


def days_range(begin: int, end: int) -> Range:
    """The instants from a day on up to another."""
    return Range(start_of(begin), start_of(end))


def month_of(day: int) -> int:
    """Months since the year 0."""
    date = start_of(day)
    return date.year * 12 + date.month - 1


@lru_cache
def days_of(month: int) -> range:
    """The days of a month."""
    year, index = divmod(month, 12)
    first = day_of(datetime(year, index + 1, 1, tzinfo=UTC))
    return range(first, first + calendar.monthrange(year, index + 1)[1])


class Folded(NamedTuple):
    """Summaries of days, by day since 1970, and of the hours of busy days, by hour since 1970."""

    days: Mapping[int, Summary]
    hours: Mapping[int, Mapping[int, Summary]]


def fold(readings: Iterable[Reading]) -> Folded:
    """The days and hours of the readings of one series, which are in order."""
    days: dict[int, Summary] = {}
    hours: dict[int, dict[int, Summary]] = {}
    for day, of_day in groupby(readings, key=lambda one: day_of(one.at)):
        members = list(of_day)
        days[day] = of_stream(members)
        if len(members) >= READINGS_FOR_HOURS:
            hours[day] = {
                hour: of_stream(list(of_hour))
                for hour, of_hour in groupby(
                    members, key=lambda one: to_milliseconds(one.at) // HOUR_MS
                )
            }
    return Folded(days, hours)


# --- as bytes. Instants are milliseconds since the begin of the day or hour; of one reading there
# is nothing else to keep.


class _One(msgspec.Struct, array_like=True, tag=1):
    at: int
    volume: Decimal


class _Several(msgspec.Struct, array_like=True, tag=2):
    count: int
    sum: Decimal
    sum_of_squares: Decimal
    min: Decimal
    max: Decimal
    first_at: int
    first: Decimal
    last_at: int
    last: Decimal
    increase: Decimal
    resets: int
    unit_milliseconds: Decimal
    gap_milliseconds: int


class _Whole(msgspec.Struct, array_like=True):
    """What is needed of most blocks: the rest is only taken apart where it is."""

    end: int
    whole: _One | _Several | None
    days: msgspec.Raw


_encode = msgspec.msgpack.Encoder().encode
_decode_whole = msgspec.msgpack.Decoder(_Whole).decode
_decode_days = msgspec.msgpack.Decoder(dict[int, _One | _Several]).decode
_decode_hours = msgspec.msgpack.Decoder(dict[int, dict[int, _One | _Several]]).decode


def encode_days(block: Block, month: int, together: Together = joined) -> bytes:
    """The end of a block, its days, and all of them together in one Summary."""
    days = {day: _pack(one, day * DAY_MS) for day, one in block.days.items()}
    in_order = [block.days[day] for day in sorted(days)]
    whole = _pack(together(in_order), _begin_ms(month)) if in_order else None
    return _encode(_Whole(block.end, whole, msgspec.Raw(_encode(days))))


def is_of_its_days(stored: StoredBlock, together: Together) -> bool:
    """Whether the Summary of a whole block is that of its days."""
    if stored.days is None:
        return True
    days = decode(stored.days, None).days
    _, whole = decode_whole(stored.days, stored.month)
    return whole == (together([days[day] for day in sorted(days)]) if days else None)


def encode_hours(block: Block) -> bytes | None:
    """The hours of a block, if it has any."""
    if not block.hours:
        return None
    return _encode(
        {
            day: {hour: _pack(one, hour * HOUR_MS) for hour, one in hours.items()}
            for day, hours in block.hours.items()
        }
    )


def decode_whole(days: bytes, month: int) -> tuple[int, Summary | None]:
    """The end of a block, and one Summary of all that it covers, if it is not empty."""
    kept = _decode_whole(days)
    return kept.end, None if kept.whole is None else _unpack(kept.whole, _begin_ms(month))


def decode(days: bytes, hours: bytes | None, asked: range | None = None) -> Block:
    """The block of what `encode_days` and `encode_hours` made; of some days only, if asked so."""
    kept = _decode_whole(days)
    return Block(
        kept.end,
        {
            day: _unpack(one, day * DAY_MS)
            for day, one in _decode_days(kept.days).items()
            if asked is None or day in asked
        },
        {
            day: {hour: _unpack(one, hour * HOUR_MS) for hour, one in of_day.items()}
            for day, of_day in (_decode_hours(hours) if hours else {}).items()
            if asked is None or day in asked
        },
    )


def _begin_ms(month: int) -> int:
    return days_of(month)[0] * DAY_MS


def _pack(summary: Summary, begin_ms: int) -> _One | _Several:
    first_at = to_milliseconds(summary.first.at) - begin_ms
    if summary.count == 1:
        return _One(first_at, summary.first.volume)
    return _Several(
        count=summary.count,
        sum=summary.sum,
        sum_of_squares=summary.sum_of_squares,
        min=summary.min,
        max=summary.max,
        first_at=first_at,
        first=summary.first.volume,
        last_at=to_milliseconds(summary.last.at) - begin_ms,
        last=summary.last.volume,
        increase=summary.increase,
        resets=summary.resets,
        unit_milliseconds=EXACT.scaleb(summary.unit_seconds, 3),
        gap_milliseconds=int(EXACT.scaleb(summary.longest_gap_seconds, 3)),
    )


def _unpack(packed: _One | _Several, begin_ms: int) -> Summary:
    if isinstance(packed, _One):
        return of_reading(Reading(from_milliseconds(begin_ms + packed.at), packed.volume))
    return Summary(
        count=packed.count,
        sum=packed.sum,
        sum_of_squares=packed.sum_of_squares,
        min=packed.min,
        max=packed.max,
        first=Reading(from_milliseconds(begin_ms + packed.first_at), packed.first),
        last=Reading(from_milliseconds(begin_ms + packed.last_at), packed.last),
        increase=packed.increase,
        resets=packed.resets,
        unit_seconds=EXACT.scaleb(packed.unit_milliseconds, -3),
        longest_gap_seconds=EXACT.scaleb(packed.gap_milliseconds, -3),
    )
