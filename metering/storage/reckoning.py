"""Summaries by series and window, from blocks where there are, from samples elsewhere.

The answer is the same with and without blocks; only what has to be read differs.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter

from metering.model import Series
from metering.storage.base import Effort, WindowSummary
from metering.storage.blocks import (
    DAY_MS,
    Block,
    Grain,
    Kept,
    days_of,
    decode,
    decode_whole,
    month_of,
    start_of,
)
from metering.summary import Reading, Summary, joined, of_stream
from metering.times import FIRST, LAST, Range, WholeRange, Windows, runs, to_milliseconds

Handle = Hashable

ReadBlocks = Callable[[Collection[Handle], range, Grain], Iterator[Kept]]
ReadReadings = Callable[[Collection[Handle], Range], Iterator[tuple[Handle, Reading]]]

_SERIES_AT_ONCE = 1_000
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def grain_of(windows: Windows) -> Grain:
    """Days if every window begins and ends with one, hours if with one, readings otherwise."""
    if isinstance(windows, WholeRange):
        return Grain.DAY
    period, offset = timedelta(seconds=windows.period_seconds), windows.anchor - start_of(0)
    for grain, length in ((Grain.DAY, _DAY), (Grain.HOUR, _HOUR)):
        if not period % length and not offset % length:
            return grain
    return Grain.READING


@dataclass(slots=True)
class _Found:
    """What is known of one series: pieces, and between which instants blocks told all."""

    pieces: list[tuple[datetime, Range, Summary]] = field(default_factory=list)
    told: list[tuple[datetime, datetime]] = field(default_factory=list)


class Reckoner:
    """Answers one question of Summaries about series."""

    def __init__(
        self, blocks: ReadBlocks, readings: ReadReadings, range_: Range, windows: Windows
    ) -> None:
        """Take the ways to read, and what is asked."""
        self._blocks = blocks
        self._readings = readings
        self._range = range_
        self._windows = windows
        self._grain = grain_of(windows)
        self._days = _whole_days(range_)
        self._holding: dict[datetime, Range] = {}  # the same for all series

    def summaries(self, series: Mapping[Handle, Series], effort: Effort) -> Iterator[WindowSummary]:
        """A Summary for each series and window that has readings; counts what was read."""
        handles = iter(series)
        while some := list(islice(handles, _SERIES_AT_ONCE)):
            for handle, found in self._found(some, effort).items():
                found.pieces.sort(key=itemgetter(0))
                for window, pieces in groupby(found.pieces, key=itemgetter(1)):
                    parts = [summary for _, _, summary in pieces]
                    yield WindowSummary(series[handle], window, joined(parts))

    def _found(self, handles: Collection[Handle], effort: Effort) -> dict[Handle, _Found]:
        found = {handle: _Found() for handle in handles}
        if self._grain is not Grain.READING and self._days:
            months = range(month_of(self._days[0]), month_of(self._days[-1]) + 1)
            for kept in self._blocks(handles, months, self._grain):
                if kept.days is not None:
                    self._take(found[kept.handle], kept, kept.days)
        effort.pieces += sum(len(one.pieces) for one in found.values())
        for range_, members in self._untold(found).items():
            effort.samples += self._read(found, members, range_)
        return found

    def _untold(self, found: Mapping[Handle, _Found]) -> Mapping[Range, Collection[Handle]]:
        """What samples have to tell, and of which series."""
        untold = defaultdict(list)
        for handle, one in found.items():
            for range_ in _between(self._range, sorted(one.told)):
                untold[range_].append(handle)
        return untold

    def _read(
        self, found: Mapping[Handle, _Found], handles: Collection[Handle], range_: Range
    ) -> int:
        count = 0
        for handle, pairs in groupby(self._readings(handles, range_), key=itemgetter(0)):
            readings = [reading for _, reading in pairs]
            count += len(readings)
            instants = [reading.at for reading in readings]
            for window, begin, after in runs(self._windows, instants):
                summary = of_stream(readings[begin:after])
                found[handle].pieces.append((instants[begin], window, summary))
        return count

    def _take(self, found: _Found, kept: Kept, days: bytes) -> None:
        """Take the block whole if all of it is asked for, or else its days."""
        begin = days_of(kept.month)[0]
        end, whole = decode_whole(days, kept.month)
        is_asked_for = self._days[0] <= begin and end <= self._days[-1] + 1
        if is_asked_for and not kept.struck and self._take_whole(found, whole, begin, end):
            _note(found, begin, end)
        else:
            self._take_days(found, kept, decode(days, kept.hours))

    def _take_whole(self, found: _Found, whole: Summary | None, begin: int, end: int) -> bool:
        """Take it as one piece, if it lies in one window; whether that could be done."""
        if whole is None:
            return True
        piece = self._windowed(whole, start_of(begin), (end - begin) * _DAY)
        if piece is not None:
            found.pieces.append(piece)
        return piece is not None

    def _take_days(self, found: _Found, kept: Kept, block: Block) -> None:
        """Take the days that are asked for, and note which are told by that."""
        first = max(days_of(kept.month)[0], self._days[0])
        after = min(block.end, self._days[-1] + 1)
        begin = first
        for day in sorted({*kept.struck, *block.days}):
            if not first <= day < after:
                continue
            if day in kept.struck or not self._fit(found, block, day):
                _note(found, begin, day)
                begin = day + 1
        _note(found, begin, after)

    def _fit(self, found: _Found, block: Block, day: int) -> bool:
        """Take a day whole or by hours, if it has them; whether that could be done."""
        whole = self._windowed(block.days[day], start_of(day), _DAY)
        if whole is not None:
            found.pieces.append(whole)
            return True
        if day not in block.hours:
            return False
        start = start_of(day)
        hours = [
            self._windowed(one, start + (hour - 24 * day) * _HOUR, _HOUR)
            for hour, one in block.hours[day].items()
        ]
        found.pieces += [one for one in hours if one is not None]
        return True

    def _windowed(
        self, summary: Summary, start: datetime, length: timedelta
    ) -> tuple[datetime, Range, Summary] | None:
        window = self._holding.get(start)
        if window is None:
            window = self._holding[start] = self._windows.holding(start)
        if window.end is not None and window.end < start + length:
            return None
        return summary.first.at, window, summary


def _note(found: _Found, begin: int, after: int) -> None:
    if begin < after:
        found.told.append((start_of(begin), start_of(after)))


def _whole_days(range_: Range) -> range:
    """The days (since 1970) that lie in the range from begin to end."""
    begin = to_milliseconds(range_.start or FIRST)
    end = to_milliseconds(range_.end or LAST)
    return range(-(-begin // DAY_MS), end // DAY_MS)


def _between(range_: Range, told: list[tuple[datetime, datetime]]) -> Iterator[Range]:
    """What of the range lies outside of the stretches, which are inside, in order and apart."""
    start = range_.start
    for begin, after in told:
        gap = Range(start, begin)
        if not gap.is_empty:
            yield gap
        start = after
    rest = Range(start, range_.end)
    if not rest.is_empty:
        yield rest
