"""What blocks tell of a range, and what is left to be read from samples.

The answer is the same with and without blocks; only what has to be read differs.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import ClassVar, NamedTuple

from metering.chunks import chunks
from metering.cuts import Cuts
from metering.model import MeterType
from metering.storage.base import Effort
from metering.storage.block_codec import decode, decode_described, decode_whole
from metering.storage.blocks import (
    DAY_MS,
    HOUR_MS,
    HOURS_IN_A_DAY,
    Block,
    Described,
    Grain,
    Parts,
    StoredBlock,
    days_in,
    hours_of,
    month_of,
    start_of,
    start_of_hour,
)
from metering.storage.handles import Handle
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

ReadBlocks = Callable[[Collection[Handle], range, Grain], Iterator[StoredBlock]]

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


def no_blocks(_: Collection[Handle], __: range, ___: Grain) -> Iterator[StoredBlock]:
    """As if there were none: everything is read from samples."""
    return iter(())


def grain_of(windows: Windows) -> Grain:
    """The longest pieces that fit into the windows: days, else hours, else single readings.

    Windows that are longer than a month take days: the few that lie in two are read from samples.
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


class BlockPiece(NamedTuple):
    """What a block tells of some time; under which one description, if series are told apart."""

    summary: Summary
    description: Handle | None


@dataclass(slots=True)
class Coverage:
    """What blocks tell of a track or rollup: pieces, and the times that these cover wholly."""

    kind: MeterType
    pieces: list[BlockPiece] = field(default_factory=list)
    covered: list[tuple[datetime, datetime]] = field(default_factory=list)


class BlockReader:
    """Takes from blocks the pieces of a range that comply with the cuts.

    With `by_series`, each has one description; with `as_of`, blocks with samples that were recorded
    later are not used.
    """

    # Whether hours are read if the range begins within a day, as days of other zones do. One that
    # only ends there mostly ends now, where nothing is sealed.
    takes_edges: ClassVar[bool] = False

    def __init__(
        self,
        blocks: ReadBlocks,
        range_: Range,
        cuts: Cuts,
        *,
        by_series: bool = False,
        as_of: datetime | None = None,
    ) -> None:
        """Take the way to read them, and what is asked."""
        self._by_series = by_series
        self._as_of = as_of
        self._blocks = blocks
        self._range = range_
        self._cuts = cuts
        self._grain = grain_of(cuts.windows)
        begins_within_a_day = to_milliseconds(range_.start or FIRST) % DAY_MS > 0
        if self.takes_edges and self._grain is Grain.DAY and begins_within_a_day:
            self._grain = Grain.HOUR
        self._asked = _asked_hours(range_, self._grain)
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
                months = range(month_of(self._days[0]), month_of(self._days[-1]) + 1)
                for block in self._blocks(some, months, self._grain):
                    if block.days is not None:
                        self._take(found[block.handle], block, block.days)
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

    def _take(self, found: Coverage, block: StoredBlock, days: bytes) -> None:
        """Take the block as one piece if all of it is asked for, or else its days."""
        begin = hours_of(block.month).start
        end, whole = decode_whole(days, block.month)
        described = decode_described(block.described, block.month)
        if self._as_of is not None and described and described.recorded_until > self._as_of:
            return
        is_asked_for = self._asked.start <= begin and end <= self._asked.stop
        if is_asked_for and not block.struck and self._take_whole(found, whole, described):
            _cover(found, start_of_hour(begin), start_of_hour(end))
        else:
            asked = range(max(begin, self._asked.start), min(end, self._asked.stop))
            unpacked = decode(days, block.hours, days_in(asked.start, asked.stop))
            told = Block(end, unpacked.days, unpacked.hours, described)
            self._take_days(found, block.struck, told, asked)

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
    ) -> None:
        """Take the days of these hours, whole or by hours, and note what is covered by that."""
        covered_from = start_of_hour(asked.start)
        days = days_in(asked.start, asked.stop)
        for day in sorted({*struck, *block.days}):
            if day in days:
                for begin, length in self._take_day(found, struck, block, day, asked):
                    _cover(found, covered_from, begin)
                    covered_from = begin + length
        _cover(found, covered_from, start_of_hour(asked.stop))

    def _take_day(
        self,
        found: Coverage,
        struck: Collection[int],
        block: Block,
        day: int,
        asked: range,
    ) -> Iterator[tuple[datetime, timedelta]]:
        """Take what can be taken of a day, and yield what is left for samples, in order."""
        begin = day * HOURS_IN_A_DAY
        is_whole = asked.start <= begin and min(begin + HOURS_IN_A_DAY, block.end) <= asked.stop
        described = block.described
        description = described and described.on(day)
        hours = block.hours.get(day)
        if day in struck:
            yield start_of(day), _DAY
        elif self._by_series and description is None:
            parts = described.parts.get(day, {}) if described and is_whole else {}
            if not self._take_parts(found, parts):
                yield start_of(day), _DAY
        elif is_whole and self._take_piece(found, block.days[day], description):
            return
        elif hours is None:
            yield start_of(day), _DAY
        else:
            for hour in sorted(hours):
                if hour in asked and not self._take_piece(found, hours[hour], description):
                    yield start_of_hour(hour), _HOUR

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


def _asked_hours(range_: Range, grain: Grain) -> range:
    """The whole hours (since 1970) of the range; by days, from the first midnight in it on.

    They may end within a day even so: a block may have no more of it.
    """
    begin_ms = to_milliseconds(range_.start or FIRST)
    end_ms = to_milliseconds(range_.end or LAST)
    first_hour = -(-begin_ms // HOUR_MS)
    midnight = -(-begin_ms // DAY_MS) * HOURS_IN_A_DAY
    return range(first_hour if grain is Grain.HOUR else midnight, end_ms // HOUR_MS)


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
