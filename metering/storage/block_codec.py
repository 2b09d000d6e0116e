"""Blocks as bytes, in MessagePack.

Instants are counted in milliseconds from the start of the day, hour or month that a Summary is of.
The Summary of a single reading is kept as that reading.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

import msgspec

from metering.decimals import EXACT
from metering.storage.blocks import Block, Combine, Described, Parts, by_description
from metering.storage.spans import DAY_MS, HOUR_MS, days_of
from metering.summary import Reading, Summary, joined, of_reading
from metering.times import from_milliseconds, to_milliseconds


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


class _Described(msgspec.Struct, array_like=True):
    recorded_until_ms: int
    since: list[int]
    descriptions: list[int | bytes | None]
    parts: dict[int, list[tuple[int | bytes, _One | _Several]]]
    wholes: list[tuple[int | bytes, _One | _Several]]


class _Whole(msgspec.Struct, array_like=True):
    """What is needed of most blocks: the rest is only taken apart where it is."""

    end: int
    whole: _One | _Several | None
    days: msgspec.Raw


class _Hours(msgspec.Struct, array_like=True):
    """Of a busy day, and how many readings all of it had, which tells a block's day from others."""

    count: int
    hours: dict[int, msgspec.Raw]


_encode = msgspec.msgpack.Encoder().encode
_decode_whole = msgspec.msgpack.Decoder(_Whole).decode
_decode_summaries = msgspec.msgpack.Decoder(dict[int, _One | _Several]).decode
_decode_summary: Callable[[msgspec.Raw], _One | _Several]
_decode_summary = msgspec.msgpack.Decoder(_One | _Several).decode
_decode_hours = msgspec.msgpack.Decoder(_Hours).decode
_decode_described = msgspec.msgpack.Decoder(_Described).decode


def encode_days(block: Block, month: int, together: Combine = joined) -> bytes:
    """The end of a block, its days, and all of them together in one Summary."""
    days = {day: _pack(one, day * DAY_MS) for day, one in block.days.items()}
    in_order = [block.days[day] for day in sorted(days)]
    whole = _pack(together(in_order), _begin_ms(month)) if in_order else None
    return _encode(_Whole(block.end, whole, msgspec.Raw(_encode(days))))


def encode_hours(of_day: Mapping[int, Summary], count: int, before: bytes | None = None) -> bytes:
    """The hours (since 1970) of a day of so many readings, and those that there were before."""
    hours = _decode_hours(before).hours if before else {}
    for hour, one in of_day.items():
        hours[hour] = msgspec.Raw(_encode(_pack(one, hour * HOUR_MS)))
    return _encode(_Hours(count, hours))


def decode_hours(kept: bytes, asked: range) -> tuple[int, Mapping[int, Summary]]:
    """How many readings the day had for `encode_hours`, and its hours that are asked for."""
    known = _decode_hours(kept)
    found = {
        hour: _unpack(_decode_summary(one), hour * HOUR_MS)
        for hour, one in known.hours.items()
        if hour in asked
    }
    return known.count, found


def encode_described(block: Block, month: int) -> bytes | None:
    """What a block says of descriptions, if it does."""
    one = block.described
    if one is None:
        return None
    together = by_description(block.days, one)
    wholes = [(of, _pack(whole, _begin_ms(month))) for of, whole in together.items()]
    recorded_until_ms = to_milliseconds(one.recorded_until)
    parts = {
        day: [(handle, _pack(part, day * DAY_MS)) for handle, part in of_day.items()]
        for day, of_day in one.parts.items()
    }
    return _encode((recorded_until_ms, one.since, one.descriptions, parts, wholes))


def decode_described(described: bytes | None, month: int) -> Described | None:
    """What `encode_described` made."""
    if described is None:
        return None
    kept = _decode_described(described)
    parts: dict[int, Parts] = {
        day: {handle: _unpack(part, day * DAY_MS) for handle, part in of_day}
        for day, of_day in kept.parts.items()
    }
    recorded_until = from_milliseconds(kept.recorded_until_ms)
    wholes: Parts = {of: _unpack(whole, _begin_ms(month)) for of, whole in kept.wholes}
    return Described(recorded_until, kept.since, kept.descriptions, parts, wholes)


def decode_whole(days: bytes, month: int) -> tuple[int, Summary | None]:
    """The end of a block, and one Summary of all that it covers, if it is not empty."""
    kept = _decode_whole(days)
    return kept.end, None if kept.whole is None else _unpack(kept.whole, _begin_ms(month))


def decode(days: bytes, asked: range | None = None) -> Block:
    """The block of what `encode_days` made; if days are asked for, it has only those."""
    whole = _decode_whole(days)
    return Block(
        whole.end,
        {
            day: _unpack(one, day * DAY_MS)
            for day, one in _decode_summaries(whole.days).items()
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
