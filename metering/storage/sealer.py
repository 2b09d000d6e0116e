"""Sealing as a whole: which tracks and rollups, month by month, and how many in a transaction."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from metering.storage.base import Effort
from metering.storage.handles import Handle
from metering.storage.renewal import Reach
from metering.storage.sealing import BatchTooLarge, Run, add_up, seal
from metering.storage.spans import (
    HOURS_IN_A_DAY,
    day_of,
    hour_of,
    hours_of,
    month_of,
    start_of,
    start_of_hour,
)
from metering.storage.tables import Tables
from metering.times import LAST, Range

# A transaction that seals takes about half a second for so many.
_READINGS_AT_ONCE = 30_000
_MOST_TRACKS = 500

# The day that begins with it is not sealed: the calendar does not have its end.
_LAST_MIDNIGHT = start_of(day_of(LAST))

# Makes the blocks of some tracks or rollups in a month, in a transaction: `seal`, `add_up`.
Make = Callable[..., Effort]
Work = Sequence[tuple[int, Sequence[Handle]]]


class Sealer:
    """Keeps Summaries of what is over."""

    def __init__(self, tables: Tables) -> None:
        """Take what is to be sealed."""
        self._tables = tables

    def seal(self, until: datetime, settle_seconds: float) -> Iterator[int]:
        """See `Storage.seal`."""
        end = hour_of(min(until, _LAST_MIDNIGHT))
        before = start_of_hour(end)
        run = self._tables.open_seal(before, settle_seconds)
        rollup_of = {one.track: one.rollup for one in self._tables.members(None)}
        fresh = Range(_since(run.done, before), before)
        with_samples = self._months_with_samples(rollup_of.keys(), fresh)
        yield from self._seal_months(run, seal, with_samples, end)
        struck = self._tables.struck()
        # Read after the strikes: a rollup is stored before it is struck.
        rollups = {handle for handle, _ in self._tables.find_rollups({})}
        of_tracks = [(month, [one for one in some if one not in rollups]) for month, some in struck]
        yield from self._seal_months(run, seal, of_tracks, end)
        totals: dict[int, set[Handle]] = defaultdict(set)
        for month, handles in with_samples:
            totals[month].update(rollup_of[handle] for handle in handles)
        for month, handles in struck:
            totals[month].update(rollups.intersection(handles))
        work = [(month, list(totals[month])) for month in sorted(totals)]
        yield from self._seal_months(run, add_up, work, end)
        self._tables.close_seal(before, run)

    def _months_with_samples(
        self, handles: Collection[Handle], range_: Range
    ) -> list[tuple[int, list[Handle]]]:
        """The tracks by month, between their first and last sample of the range."""
        found: dict[int, list[Handle]] = defaultdict(list)
        for handle, first, last in self._tables.extents(handles, range_, None):
            for month in range(month_of(day_of(first)), month_of(day_of(last)) + 1):
                found[month].append(handle)
        return sorted(found.items())

    def _seal_months(self, run: Run, make: Make, work: Work, end: int) -> Iterator[int]:
        """Seal as many at once as are read quickly: nobody else can write to SQLite meanwhile."""
        size = 1
        for month, handles in work:
            hours = hours_of(month)
            reach = Reach(month, hours.start, min(hours.stop, end))
            at = 0
            while at < len(handles):
                some = handles[at : at + size]
                do = partial(make, handles=some, reach=reach, most=_READINGS_AT_ONCE)
                try:
                    effort = self._tables.transact(run, do)
                except BatchTooLarge:
                    if len(some) > 1:
                        size = len(some) // 2
                        continue
                    yield from self._seal_by_days(run, make, some, reach)
                else:
                    is_little = effort.samples + effort.pieces < _READINGS_AT_ONCE / 2
                    size = min(2 * size, _MOST_TRACKS) if is_little else size
                    yield effort.samples
                at += len(some)

    def _seal_by_days(
        self, run: Run, make: Make, handles: Sequence[Handle], reach: Reach
    ) -> Iterator[int]:
        for begin in range(reach.begin, reach.end, HOURS_IN_A_DAY):
            one = replace(reach, begin=begin, end=min(begin + HOURS_IN_A_DAY, reach.end))
            effort = self._tables.transact(run, partial(make, handles=handles, reach=one))
            yield effort.samples


def _since(done: datetime | None, before: datetime) -> datetime | None:
    """From when on tracks with samples are sealed.

    When a day has ended since the last run: from its midnight, so that tracks that stopped on it
    are sealed to its end. Otherwise blocks of one month would end at many different hours, and a
    question would have to read each rest apart.
    """
    if done is None or day_of(done) == day_of(before):
        return done
    return start_of(day_of(done))
