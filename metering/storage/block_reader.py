"""What blocks tell of a range, and what is left to be read from samples.

The answer is the same with and without blocks; only what has to be read differs.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from msgspec import structs

from metering.chunks import chunks
from metering.cuts import Cuts
from metering.model import MeterType
from metering.storage.base import Effort
from metering.storage.block_codec import decode, decode_described, decode_hours, decode_whole
from metering.storage.blocks import Block, DayOf, Described, Parts, StoredBlock
from metering.storage.folding import is_busy
from metering.storage.handles import Handle
from metering.storage.spans import (
    HOUR_MS,
    HOURS_IN_A_DAY,
    days_in,
    hours_of,
    month_of,
    start_of,
    start_of_hour,
)
from metering.summary import Summary
from metering.times import (
    EPOCH,
    FIRST,
    LAST,
    ListedWindows,
    Range,
    WholeRange,
    Windows,
    to_milliseconds,
)

_BLOCKS_AT_ONCE = 1_000
# Of blocks that are taken apart at once, if every day has some: 30 MB.
_PIECES_AT_ONCE = 30_000
_USUAL_DAYS = 100
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_MONTH = timedelta(days=31)
# Of a calendar: February, and an hour in which clocks are set back by half an hour.
_SHORTEST_MONTH = timedelta(days=28)
_LONGEST_HOUR = timedelta(minutes=90)


class Grain(Enum):
    """The longest pieces that fit into the windows of a question."""

    DAY = "day"
    HOUR = "hour"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class SealedReads:
    """The ways to read what was sealed: blocks of these months, and the hours of busy days."""

    blocks: Callable[[Collection[Handle], range], Iterator[StoredBlock]]
    hours: Callable[[Collection[DayOf]], Iterator[tuple[DayOf, bytes]]]


# As if nothing were: everything is read from samples.
NOTHING_SEALED = SealedReads(lambda _, __: iter(()), lambda _: iter(()))


def grain_of(windows: Windows) -> Grain:
    """What most windows are made of: days, else hours, else single readings.

    Windows that are longer than a month are made of days: few of these lie in two.
    """
    if isinstance(windows, WholeRange):
        return Grain.DAY
    if isinstance(windows, ListedWindows):
        return _grain_of_edges(windows.edges)
    period, offset = timedelta(seconds=windows.period_seconds), windows.anchor - start_of(0)
    if period < _HOUR:
        return Grain.READING
    are_days = not period % _DAY and not offset % _DAY
    return Grain.DAY if are_days or period > _MONTH else Grain.HOUR


def _grain_of_edges(edges: Sequence[datetime]) -> Grain:
    """The first and last edges are bounds of the question, and cut pieces anyway."""
    lengths = [later - earlier for earlier, later in pairwise(edges)]
    inner = [edge - EPOCH for edge in edges[1:-1]]
    longest = max(lengths, default=_DAY)
    if longest >= _SHORTEST_MONTH or not any(edge % _DAY for edge in inner):
        return Grain.DAY
    are_hours = longest > _LONGEST_HOUR or not any(edge % _HOUR for edge in inner)
    return Grain.HOUR if are_hours else Grain.READING


class _Cut(NamedTuple):
    """What is asked for of a day that is not taken as one piece.

    `readings` is how many the day has, all of them under one description.
    """

    hours: range
    readings: int
    description: Handle | None


class BlockPiece(NamedTuple):
    """What a block tells of some time; under which one description, if series are told apart."""

    summary: Summary
    description: Handle | None


@dataclass(slots=True)
class Coverage:
    """What blocks tell of a track or rollup: pieces, and the times that these cover wholly.

    From `end` on nothing was sealed, as far as was asked.
    """

    kind: MeterType
    end: datetime = FIRST
    pieces: list[BlockPiece] = field(default_factory=list)
    covered: list[tuple[datetime, datetime]] = field(default_factory=list)


class BlockReader:
    """Takes from blocks the pieces of a range that comply with the cuts.

    With `by_series`, each has one description; with `as_of`, blocks with samples that were recorded
    later are not used.
    """

    def __init__(
        self,
        sealed: SealedReads,
        range_: Range,
        cuts: Cuts,
        *,
        by_series: bool = False,
        as_of: datetime | None = None,
    ) -> None:
        """Take the ways to read them, and what is asked."""
        self._by_series = by_series
        self._as_of = as_of
        self._sealed = sealed
        self._range = range_
        self._cuts = cuts
        self._grain = grain_of(cuts.windows)
        self._asked = _whole_hours(range_)
        self._days = days_in(self._asked.start, self._asked.stop)
        days = min(len(self._days), _USUAL_DAYS)
        pieces = days * (HOURS_IN_A_DAY if self._grain is Grain.HOUR else 1)
        self._most = max(1, min(_BLOCKS_AT_ONCE, _PIECES_AT_ONCE // max(1, pieces)))

    def taken(
        self, kinds: Mapping[Handle, MeterType], effort: Effort
    ) -> Iterator[dict[Handle, Coverage]]:
        """What blocks tell of each of these, some at a time; counts the pieces."""
        for some in chunks(kinds, self._most):
            found = {handle: Coverage(kinds[handle]) for handle in some}
            if self._grain is not Grain.READING and self._days:
                self._take_all(found)
            effort.pieces += sum(len(one.pieces) for one in found.values())
            yield found

    def uncovered(self, found: Mapping[Handle, Coverage]) -> Mapping[Range, Collection[Handle]]:
        """What they do not tell, and of which."""
        uncovered = defaultdict(list)
        for handle, one in found.items():
            for range_ in self.gaps(one):
                uncovered[range_].append(handle)
        return uncovered

    def gaps(self, one: Coverage) -> Sequence[Range]:
        """What of the range it does not tell, in order."""
        return list(_between(self._range, sorted(one.covered)))

    def _take_all(self, found: Mapping[Handle, Coverage]) -> None:
        """Take what blocks tell, and then the hours of busy days that have to be cut."""
        months = range(month_of(self._days[0]), month_of(self._days[-1]) + 1)
        cuts: dict[DayOf, _Cut] = {}
        for block in self._sealed.blocks(found.keys(), months):
            if block.days is not None:
                for day, cut in self._take(found[block.handle], block, block.days):
                    cuts[DayOf(block.handle, day)] = cut
        if self._grain is Grain.DAY:
            cuts = dict(_as_many_as_fit(cuts.items()))
        for cut_day, hours in self._sealed.hours(cuts) if cuts else ():
            self._take_hours(found[cut_day.handle], hours, cuts[cut_day])

    def _take(self, found: Coverage, block: StoredBlock, days: bytes) -> Iterator[tuple[int, _Cut]]:
        """Take the block as one piece if all of it is asked for, or else its days.

        Yields the days that have to be cut, and have hours.
        """
        begin = hours_of(block.month).start
        end, whole = decode_whole(days, block.month)
        found.end = max(found.end, start_of_hour(end))
        asked = _shared(range(begin, end), self._asked)
        if not asked:
            return
        described = decode_described(block.described, block.month)
        if self._as_of is not None and described and described.recorded_until > self._as_of:
            return
        is_asked_for = self._asked.start <= begin and end <= self._asked.stop
        if is_asked_for and not block.struck and self._take_whole(found, whole, described):
            _cover(found, start_of_hour(begin), start_of_hour(end))
        else:
            unpacked = decode(days, days_in(asked.start, asked.stop))
            yield from self._take_days(
                found, block.struck, structs.replace(unpacked, described=described), asked
            )

    def _take_whole(
        self, found: Coverage, whole: Summary | None, described: Described | None
    ) -> bool:
        """Take all that a block covers, if it need not be cut; say whether it was taken."""
        if whole is None:
            return True
        only = described and described.of_all
        if self._by_series and only is None:
            return self._take_parts(found, described.wholes if described else {})
        return self._take_piece(found, whole, only)

    def _take_days(
        self,
        found: Coverage,
        struck: Collection[int],
        block: Block,
        asked: range,
    ) -> Iterator[tuple[int, _Cut]]:
        """Take the days of these hours, and note what is covered by that; yield those to be cut."""
        covered_from = start_of_hour(asked.start)
        days = days_in(asked.start, asked.stop)
        for day in sorted({*struck, *block.days}):
            if day not in days or (day not in struck and self._take_day(found, block, day, asked)):
                continue
            _cover(found, covered_from, start_of(day))
            covered_from = start_of(day) + _DAY
            description = block.described and block.described.on(day)
            is_told_apart = description is not None or not self._by_series
            if day not in struck and is_busy(block.days[day]) and is_told_apart:
                hours = range(day * HOURS_IN_A_DAY, (day + 1) * HOURS_IN_A_DAY)
                yield day, _Cut(_shared(hours, asked), block.days[day].count, description)
        _cover(found, covered_from, start_of_hour(asked.stop))

    def _take_day(self, found: Coverage, block: Block, day: int, asked: range) -> bool:
        """Take a day as one piece, or one under each description; say whether it was taken."""
        begin = day * HOURS_IN_A_DAY
        if begin < asked.start or asked.stop < min(begin + HOURS_IN_A_DAY, block.end):
            return False
        described = block.described
        description = described and described.on(day)
        if self._by_series and description is None:
            return self._take_parts(found, described.parts.get(day, {}) if described else {})
        return self._take_piece(found, block.days[day], description)

    def _take_hours(self, found: Coverage, hours: bytes, cut: _Cut) -> None:
        """Take the hours of a day that need not be cut, and note what is covered by that."""
        count, summaries = decode_hours(hours, cut.hours)
        # Sealed anew since the block was read: not as far, maybe, or under several descriptions.
        if count != cut.readings:
            return
        covered_from = start_of_hour(cut.hours.start)
        for hour, summary in sorted(summaries.items()):
            if not self._take_piece(found, summary, cut.description):
                _cover(found, covered_from, start_of_hour(hour))
                covered_from = start_of_hour(hour) + _HOUR
        _cover(found, covered_from, start_of_hour(cut.hours.stop))

    def _take_parts(self, found: Coverage, parts: Parts) -> bool:
        """Take a day or month by description, if no part need be cut; say whether it was taken."""
        if not parts or not all(self._cuts.allow(found.kind, one) for one in parts.values()):
            return False
        found.pieces += [BlockPiece(summary, description) for description, summary in parts.items()]
        return True

    def _take_piece(self, found: Coverage, summary: Summary, description: Handle | None) -> bool:
        """Take it, if it need not be cut; say whether it was taken."""
        if not self._cuts.allow(found.kind, summary):
            return False
        found.pieces.append(BlockPiece(summary, description))
        return True


def _cover(found: Coverage, begin: datetime, after: datetime) -> None:
    if begin < after:
        found.covered.append((begin, after))


def _as_many_as_fit(cuts: Iterable[tuple[DayOf, _Cut]]) -> Iterator[tuple[DayOf, _Cut]]:
    """Days that have to be cut although windows are longer, at gaps, say: samples do as well."""
    left = _PIECES_AT_ONCE
    for day, cut in cuts:
        left -= len(cut.hours)
        if left < 0:
            return
        yield day, cut


def _shared(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))


def _whole_hours(range_: Range) -> range:
    """The hours (since 1970) that lie in the range."""
    begin_ms = to_milliseconds(range_.start or FIRST)
    end_ms = to_milliseconds(range_.end or LAST)
    return range(-(-begin_ms // HOUR_MS), end_ms // HOUR_MS)


def _between(range_: Range, covered: list[tuple[datetime, datetime]]) -> Iterator[Range]:
    """What of the range lies outside of the stretches, which are inside, in order and apart."""
    start = range_.start
    for begin, after in covered:
        gap = Range(start, begin)
        if not gap.is_empty:
            yield gap
        start = after
    rest = Range(start, range_.end)
    if not rest.is_empty:
        yield rest
