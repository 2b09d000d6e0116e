"""Blocks come back from bytes as they were, to the last digit, and days are where they belong."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import strategies
from builders import LATER, MILLISECOND, NOON, readings
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metering.storage.block_codec import (
    decode,
    decode_described,
    decode_hours,
    decode_whole,
    encode_days,
    encode_described,
    encode_hours,
)
from metering.storage.blocks import MOST_PARTS, Block, Described, by_description
from metering.storage.folding import (
    READINGS_FOR_A_PART,
    READINGS_FOR_HOURS,
    Folded,
    fold,
    fold_hours,
)
from metering.storage.handles import Handle
from metering.storage.spans import (
    HOURS_IN_A_DAY,
    day_of,
    days_in,
    days_of,
    days_range,
    hour_of,
    hours_of,
    hours_range,
    month_of,
    start_of,
    start_of_hour,
)
from metering.storage.stored_sample import StoredSample
from metering.summary import Reading, Summary, joined, of_stream, tally
from metering.times import FIRST, LAST, Range

FAR = [
    Decimal(999999999999999999999999999),
    Decimal(-999999999999999999999999999),
    Decimal("1E-27"),
    Decimal("1234567.890123456789012345678901234"),
]


def rows(found: Sequence[Reading], *descriptions: Handle) -> list[StoredSample]:
    """Rows of these readings, a millisecond after each other, under the descriptions by turns."""
    names = descriptions or (b"only",)
    return [
        StoredSample(
            track=1,
            description=names[place % len(names)],
            id=str(place),
            timestamp=one.at,
            volume=one.volume,
            recorded_at=LATER + place * MILLISECOND,
        )
        for place, one in enumerate(found)
    ]


def block_of(month: int, found: Sequence[StoredSample]) -> Block:
    """The block of all rows, which reaches to the end of the month."""
    folded = fold(found)
    return Block(hours_of(month).stop, folded.days, folded.described)


def again(block: Block, month: int) -> Block:
    """The block as it comes back from bytes."""
    found = decode(encode_days(block, month))
    return structs.replace(found, described=decode_described(encode_described(block, month), month))


def with_wholes(block: Block) -> Block:
    """The block, which says of its days together what it says of each."""
    return structs.replace(block, described=replace(block.described, wholes=wholes(block)))


def wholes(block: Block) -> Mapping[Handle, Summary]:
    """What the days of a block have under each description, as far as is known."""
    assert block.described
    return by_description(block.days, block.described)


@pytest.mark.parametrize("at", [FIRST, NOON, LAST - timedelta(hours=23)])
def test_far_volumes_at_far_instants(at: datetime) -> None:
    """Sums of squares have a hundred digits, integrals more places than volumes."""
    found = [Reading(at + timedelta(hours=n), volume) for n, volume in enumerate(FAR)]
    month = month_of(day_of(at))
    block = block_of(month, rows(found))

    assert with_wholes(block) == again(block, month)
    assert decode_whole(encode_days(block, month), month) == (block.end, of_stream(found))


@given(strategies.streams(min_size=1))
def test_any_stream(stream: list[Reading]) -> None:
    """Whatever is folded comes back, and joined it is the whole stream."""
    month = month_of(day_of(stream[0].at))
    block = block_of(month, rows(stream, 1, 2))

    assert with_wholes(block) == again(block, month)
    assert joined([block.days[day] for day in sorted(block.days)]) == of_stream(stream)


def test_an_empty_block() -> None:
    """It says up to where there is nothing."""
    empty = Block(hours_of(month_of(0)).stop, {})

    assert encode_described(empty, month_of(0)) is None
    assert empty == again(empty, month_of(0))
    assert decode_whole(encode_days(empty, month_of(0)), month_of(0)) == (31 * 24, None)


def test_busy_days_have_hours() -> None:
    """From so many readings on; joined, the hours are the day."""
    busy = fold(rows(readings(*((300 * n, n) for n in range(READINGS_FOR_HOURS)))))
    quiet = fold(rows(readings(*((300 * n, n) for n in range(READINGS_FOR_HOURS - 1)))))

    assert quiet.hours == {}
    ((day, hours),) = busy.hours.items()
    assert joined([hours[hour] for hour in sorted(hours)]) == busy.days[day]


def test_hours_come_back() -> None:
    """Those that are asked for."""
    busy = fold(rows(readings(*((300 * n, n) for n in range(READINGS_FOR_HOURS)))))
    ((day, hours),) = busy.hours.items()
    first, noon = HOURS_IN_A_DAY * day, hour_of(NOON)
    all_day = range(first, first + HOURS_IN_A_DAY)
    kept = encode_hours(hours, READINGS_FOR_HOURS)

    assert decode_hours(kept, all_day) == (READINGS_FOR_HOURS, hours)
    assert decode_hours(kept, range(noon + 1, noon + 2))[1] == {noon + 1: hours[noon + 1]}
    assert decode_hours(kept, range(first))[1] == {}


def test_more_hours_of_a_day() -> None:
    """They come beside those that there were, and say how many readings there are now."""
    hours = {hour: of_stream(readings((3_600 * hour, hour))) for hour in range(4)}
    noon = hour_of(NOON)
    at = {noon + hour: one for hour, one in hours.items()}
    before = encode_hours({noon: at[noon], noon + 1: at[noon + 1]}, 2)
    more = encode_hours({noon + 3: at[noon + 3]}, 3, before)

    del at[noon + 2]
    assert decode_hours(more, range(noon, noon + 9)) == (3, at)


def test_the_days_of_hours() -> None:
    """Of a rollup, whose hours are those of several tracks; a busy day keeps them."""
    first = hour_of(NOON)
    quiet = {first: of_stream(readings((0, 1))), first + 1: of_stream(readings((3_600, 5)))}
    busy = {
        first + hour: of_stream(readings(*((3_600 * hour + n, n) for n in range(48))))
        for hour in (24, 26)
    }
    folded = fold_hours(quiet | busy)
    day = day_of(NOON)

    assert folded.days == {day: tally([*quiet.values()]), day + 1: tally([*busy.values()])}
    assert folded.hours == {day + 1: busy}
    assert folded.described is None
    assert fold_hours({}) == Folded({}, {})


def test_rows_may_come_in_any_order() -> None:
    """Those of one instant have no order of their own but that of their volumes."""
    found = rows(readings((0, 3), (0, 1), (60, 2), (86_400, 9)))

    assert fold(found) == fold(found[::-1])


def test_a_day_has_one_description_or_none() -> None:
    """One that all of its rows have; and nothing was recorded after the last of them was."""
    found = rows(readings((0, 1), (1, 1), (2 * 86_400, 1)), b"a")
    found += rows(readings((86_400, 1), (86_401, 1), (86_402, 1)), b"a", b"b")
    described = fold(found).described

    assert described
    first = day_of(NOON)
    assert [b"a", None, b"a"] == [described.on(first + number) for number in range(3)]
    assert described.of_all is None
    assert described.recorded_until == LATER + 2 * MILLISECOND
    assert fold(found[:3]).described == Described(described.recorded_until, [first], [b"a"])


def by_turns(count: int, *descriptions: Handle) -> list[StoredSample]:
    """So many rows of a day, a minute after each other."""
    return rows(readings(*((60 * n, n) for n in range(count))), *descriptions)


@pytest.mark.parametrize(
    ("count", "descriptions", "has_parts"),
    [
        (2 * READINGS_FOR_A_PART, 2, True),
        (2 * READINGS_FOR_A_PART - 1, 2, False),
        (MOST_PARTS * READINGS_FOR_A_PART, MOST_PARTS, True),
        ((MOST_PARTS + 1) * READINGS_FOR_A_PART, MOST_PARTS + 1, False),
        (READINGS_FOR_A_PART, 1, False),
    ],
)
def test_a_day_of_few_descriptions_has_parts(
    count: int, descriptions: int, *, has_parts: bool
) -> None:
    """What it has under each of them, if they are few and have enough readings."""
    found = by_turns(count, *range(1, descriptions + 1))
    described = fold(found).described

    assert described
    assert described.parts.keys() == ({day_of(NOON)} if has_parts else set())
    for parts in described.parts.values():
        assert parts == {
            name: of_stream(
                [Reading(row.timestamp, row.volume) for row in found if row.description == name]
            )
            for name in range(1, descriptions + 1)
        }


def test_a_month_of_few_descriptions_has_wholes() -> None:
    """What all of its days have under each, whether they have one or several."""
    month = month_of(day_of(NOON))
    first, second, third = (
        [structs.replace(row, timestamp=row.timestamp + timedelta(days=days)) for row in some]
        for days, some in enumerate([by_turns(3, 1), by_turns(9, 1, 2), by_turns(2, 2)])
    )
    block = block_of(month, [*first, *second, *third])
    found = again(block, month).described

    assert found
    assert found.of_all is None
    assert found.wholes == wholes(block)
    assert found.wholes == {
        name: of_stream(
            [
                Reading(row.timestamp, row.volume)
                for row in (*first, *second, *third)
                if row.description == name
            ]
        )
        for name in (1, 2)
    }


def test_where_a_day_does_not_tell_no_month_does() -> None:
    """Of a day of too many descriptions, or of a month of too many, nothing is said."""
    month = month_of(day_of(NOON))
    mixed = block_of(month, by_turns(2, 1, 2))
    many = block_of(
        month,
        [
            structs.replace(
                row, description=number, timestamp=row.timestamp + timedelta(days=number)
            )
            for number in range(MOST_PARTS + 1)
            for row in by_turns(1)
        ],
    )
    enough = structs.replace(
        many, days={day: one for day, one in many.days.items() if day > min(many.days)}
    )

    assert wholes(mixed) == wholes(many) == {}
    assert len(wholes(enough)) == MOST_PARTS


@pytest.mark.parametrize(
    ("days", "since", "descriptions"),
    [
        ({}, [], []),
        ({3: 1}, [3], [1]),
        ({3: 1, 4: 1, 9: 1}, [3], [1]),
        ({9: 1, 3: 1, 4: 2}, [3, 4, 9], [1, 2, 1]),
        ({-3: 1, -2: None, -1: None, 0: 1}, [-3, -2, 0], [1, None, 1]),
        ({3: None}, [3], [None]),
    ],
)
def test_descriptions_are_kept_as_changes(
    days: Mapping[int, Handle | None], since: list[int], descriptions: list[Handle | None]
) -> None:
    """As the days from which on each holds, by time."""
    assert Described.of_days(days, NOON) == Described(NOON, since, descriptions)


def test_the_description_of_all_days() -> None:
    """If they have one, and the same."""
    for days, expected in (
        ({3: 1, 9: 1}, 1),
        ({3: b"a"}, b"a"),
        ({3: 1, 9: 2}, None),
        ({3: 1, 9: None}, None),
        ({3: None, 9: None}, None),
        ({}, None),
    ):
        assert expected == Described.of_days(days, NOON).of_all


handles = st.integers(1, 3) | st.sampled_from([b"a", b"b"]) | st.none()
described_days = st.dictionaries(st.integers(-40, 40), handles)


@given(described_days, strategies.instants)
def test_descriptions_of_any_days(days: dict[int, Handle | None], until: datetime) -> None:
    """Each day has its own, none comes before the first, and all of it survives bytes."""
    described = Described.of_days(days, until)

    assert days == {day: described.on(day) for day in days}
    assert described.on(min(days, default=0) - 1) is None
    only = set(days.values())
    assert described.of_all == (only.pop() if len(only) == 1 else None)
    kept = encode_described(Block(0, {}, described), month_of(0))
    assert described == decode_described(kept, month_of(0))


def test_what_is_not_described() -> None:
    """A block of a rollup says nothing of descriptions, and is no longer for it."""
    block = Block(0, {})

    assert decode_described(None, month_of(0)) is None
    assert encode_described(block, month_of(0)) is None


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


@pytest.mark.parametrize(
    ("begin", "end", "days"),
    [
        (0, 0, []),
        (0, 1, [0]),
        (0, 24, [0]),
        (0, 25, [0, 1]),
        (-24, 1, [-1, 0]),
        (48, 24, []),
        (14, 13, []),
    ],
)
def test_hours_have_their_days(begin: int, end: int, days: list[int]) -> None:
    """One that is not over is a day too."""
    assert list(days_in(begin, end)) == days


def test_hours_are_counted_from_1970() -> None:
    """Before it too; those of a month are those of its days."""
    for instant in (NOON, FIRST, LAST, datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)):
        hour = hour_of(instant)
        assert timedelta(0) <= instant - start_of_hour(hour) < timedelta(hours=1)
        month = month_of(day_of(instant))
        assert hour in hours_of(month)
        assert list(days_of(month)) == list(days_in(*_ends(hours_of(month))))
    assert hours_range(-1, 1) == Range(
        datetime(1969, 12, 31, 23, tzinfo=UTC), datetime(1970, 1, 1, 1, tzinfo=UTC)
    )


def _ends(hours: range) -> tuple[int, int]:
    return hours.start, hours.stop


def test_a_range_of_days_is_half_open() -> None:
    """It begins with the first, and ends before the last."""
    assert days_range(0, 2) == Range(
        datetime(1970, 1, 1, tzinfo=UTC), datetime(1970, 1, 3, tzinfo=UTC)
    )
