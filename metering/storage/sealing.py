"""Sealing: blocks are made of samples, month by month, each batch of tracks in one transaction.

Those of rollups are made of the blocks of their tracks, and of samples where these have no sealed
day. No sample is missing from a block, because of four steps:

1. Whoever seals first publishes up to which hour (`Tables.open_seal`), and waits for writers.
2. A transaction that seals reads a snapshot, and writes the blocks that it makes of it.
3. A writer that knows that an hour may be sealed *strikes* its day, for the track and for its
   rollup, in the transaction of the sample; a transaction that seals takes away those strikes that
   it sees, as it sees their samples.
4. A writer that does not know it checks again, after the sample is stored and before it answers,
   and strikes the day if the hour may be sealed by now; that of a duplicate too, whose first writer
   may have died.

So whenever a sample is acknowledged, its day is struck, or its hour sealed with it, or not sealed
yet. What deletes samples strikes their days as well. Questions take blocks as they find them.

A day that is not over is sealed in part. The next run adds to a busy day only what is new. It reads
the whole day again if the day is quiet, was struck, or got another description.
"""

import abc
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import TypeVar

from metering.storage.base import Effort
from metering.storage.block_codec import (
    encode_days,
    encode_described,
)
from metering.storage.block_reader import SealedReads
from metering.storage.blocks import Combine, DayOf, StoredBlock
from metering.storage.folding import fold, fold_hours
from metering.storage.handles import Handle
from metering.storage.renewal import Reach, Renewal, end_of, plan
from metering.storage.spans import HOURS_IN_A_DAY, hours_range
from metering.storage.totals import Member, hours_of_members
from metering.storage.track_reads import TrackReads
from metering.summary import joined, tally


class SealTransaction(TrackReads):
    """What sealing does in a transaction, which reads a snapshot and writes all or nothing."""

    @abc.abstractmethod
    def keep(self, blocks: Collection[StoredBlock], hours: Mapping[DayOf, bytes | None]) -> None:
        """Replace the blocks of these months by these, with what is struck in them.

        And the hours of these days; None where there are none any more.
        Strikes that this transaction does not see are kept. Those made since its run began may be
        left for the next run.
        """


T = TypeVar("T")


class BatchTooLarge(Exception):
    """More readings, or hours of tracks, than a transaction should have."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of sealing: all before `done` was sealed by an earlier one, if any.

    `number` is another for each run, and after all was unsealed.
    """

    done: datetime | None
    number: int


def seal(
    transaction: SealTransaction, handles: Collection[Handle], reach: Reach, most: int | None = None
) -> Effort:
    """Bring the blocks of the tracks up to the end of the reach; what it took.

    Raises:
        BatchTooLarge: more readings than `most`.
    """
    effort = Effort(tracks=len(handles))
    renewals = _renewals(transaction, handles, reach)
    redescribed = _take_rows(transaction, renewals, effort, most)
    anew = _renewals(transaction, redescribed, reach, go_on=False)
    _take_rows(transaction, anew, effort, most)
    _keep(transaction, {**renewals, **anew}, reach.month, joined)
    return effort


def _take_rows(
    transaction: SealTransaction,
    renewals: Mapping[Handle, Renewal],
    effort: Effort,
    most: int | None,
) -> list[Handle]:
    """Read what is missing; returns where this is not enough, since the description has changed."""
    missing = defaultdict(list)
    for handle, renewal in renewals.items():
        for part in renewal.plan.missing:
            missing[part].append(handle)
    redescribed = []
    for (begin, after), members in missing.items():
        rows = transaction.samples_of(members, hours_range(begin, after))
        for handle, of_track in groupby(rows, key=attrgetter("track")):
            found = list(of_track)
            effort.samples += len(found)
            if most is not None and effort.samples > most:
                raise BatchTooLarge
            renewal = renewals[handle]
            if renewal.can_take(found):
                renewal.take(fold(found, renewal.plan.begun))
            else:
                redescribed.append(handle)
    return redescribed


def add_up(
    transaction: SealTransaction, handles: Collection[Handle], reach: Reach, most: int | None = None
) -> Effort:
    """The same for rollups, from sealed hours of their tracks, and readings where there are none.

    It reads one span, from the first hour that is missing to the last: to find a block costs more
    than its days.

    Raises:
        BatchTooLarge: more hours of tracks, or more readings, than `most`.
    """
    renewals = _renewals(transaction, handles, reach)
    lacking = {handle: one for handle, one in renewals.items() if one.plan.missing}
    members = list(transaction.members(lacking.keys())) if lacking else []
    by_span: dict[tuple[int, int], list[Member]] = defaultdict(list)
    for member in members:
        missing = lacking[member.rollup].plan.missing
        by_span[missing[0][0], missing[-1][1]].append(member)
    if most is not None:
        pieces = sum(len(some) * (after - begin) for (begin, after), some in by_span.items())
        if pieces > most:
            raise BatchTooLarge
    effort = Effort()
    for (begin, after), some in by_span.items():
        found = hours_of_members(
            SealedReads(transaction.blocks, transaction.hours),
            transaction.readings,
            some,
            hours_range(begin, after),
            effort,
        )
        for handle, hours in found.items():
            renewal = lacking[handle]
            renewal.take(fold_hours(hours, renewal.plan.begun))
        if most is not None and effort.samples > most:
            raise BatchTooLarge
    _keep(transaction, renewals, reach.month, tally)
    return effort


def _renewals(
    transaction: SealTransaction, handles: Collection[Handle], reach: Reach, *, go_on: bool = True
) -> dict[Handle, Renewal]:
    """What is to be done with each block; whether days that were begun go on."""
    if not handles:
        return {}
    found = transaction.blocks(handles, range(reach.month, reach.month + 1), described=True)
    stored = {one.handle: one for one in found}
    growing = [
        DayOf(handle, end // HOURS_IN_A_DAY)
        for handle, one in stored.items()
        if go_on and (end := end_of(one)) is not None and end < reach.end
    ]
    hours = {day.handle: kept for day, kept in transaction.hours(growing)} if growing else {}
    return {
        handle: Renewal(plan(reach, stored.get(handle), hours.get(handle))) for handle in handles
    }


def _keep(
    transaction: SealTransaction,
    renewals: Mapping[Handle, Renewal],
    month: int,
    together: Combine,
) -> None:
    blocks = []
    hours = {}
    for handle, renewal in renewals.items():
        if renewal.plan.missing:
            block, of_days = renewal.done()
            days = encode_days(block, month, together)
            described = encode_described(block, month)
            blocks.append(StoredBlock(handle, month, days, described, renewal.plan.struck))
            hours.update({DayOf(handle, day): kept for day, kept in of_days.items()})
    transaction.keep(blocks, hours)
