"""Blocks in MongoDB: striking days, and the transactions that make blocks and delete samples.

Whoever stores or deletes a sample of a day that may be sealed strikes the day, in the transaction
of the sample or before the answer is sent. A transaction that seals takes away the strikes that it
sees. A strike always changes its document, so that one that it does not see stays, or excludes it.
Late samples of a rollup come from many writers at once, and all the time. So that these seldom
conflict, each strikes in one of several documents, and never in the block's own. So that they do
not keep a run of sealing from ending, they use other documents from its beginning on, which it
leaves alone.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from random import randrange
from typing import Any, TypeVar, cast

import pymongo
from pymongo import DeleteMany, DeleteOne, ReadPreference, ReplaceOne, UpdateOne
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import BulkWriteError, PyMongoError
from pymongo.read_concern import ReadConcern

from metering.errors import Misconfigured
from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.handles import Handle
from metering.storage.mongodb import faults, questions
from metering.storage.mongodb.connection import DURABLE, Connection
from metering.storage.mongodb.expiring import read_watermarks
from metering.storage.mongodb.mapping import (
    SEALED,
    SEALING,
    Document,
    block_key,
    block_to_document,
    hours_key,
    strike_key,
)
from metering.storage.mongodb.names import RANK, TRACK
from metering.storage.mongodb.orphans import INACTIVE_SECONDS, end_orphans
from metering.storage.mongodb.ranks import instant_of
from metering.storage.mongodb.reading import Reader
from metering.storage.mongodb.track_reads import MongoTrackReads
from metering.storage.sealing import Run, SealTransaction
from metering.storage.spans import day_of, month_of
from metering.times import Range

T = TypeVar("T")
Day = tuple[bytes, int]

_DELETED_AT_ONCE = 2_000
_ATTEMPTS = 3
_STRIKE_DOCUMENTS = 16


def in_transaction(session: ClientSession, work: Callable[[ClientSession], T]) -> T:
    """Do the work in a transaction that reads a snapshot; again if it conflicts with another."""
    return session.with_transaction(
        work,
        read_concern=ReadConcern("snapshot"),
        write_concern=DURABLE,
        read_preference=ReadPreference.PRIMARY,
    )


def strike(connection: Connection, days: Iterable[Day], run: int, session: ClientSession) -> None:
    """Let the days of these tracks and rollups be read from samples until they are sealed again.

    The run is the last that is known to have begun.
    """
    by_block: dict[tuple[bytes, int], list[int]] = defaultdict(list)
    for handle, day in days:
        by_block[handle, month_of(day)].append(day)
    number = randrange(_STRIKE_DOCUMENTS)  # noqa: S311 - no secret
    updates = [
        UpdateOne(
            {"_id": strike_key(handle, month, run, number)},
            {
                "$addToSet": {"struck": {"$each": sorted(struck)}},
                "$inc": {"strikes": 1},
                "$setOnInsert": {"of": handle, "month": month, "is_block": False, "run": run},
            },
            upsert=True,
        )
        for (handle, month), struck in by_block.items()
    ]
    if updates:
        _write(connection, updates, session)


def _write(connection: Connection, updates: list[UpdateOne], session: ClientSession) -> None:
    """Upserts that race with others for the same new document find it the next time."""
    for attempt in range(_ATTEMPTS):
        try:
            connection.blocks.bulk_write(updates, ordered=False, session=session)
        except BulkWriteError as error:
            if error.has_error_label("TransientTransactionError"):
                raise
            if session.in_transaction or attempt == _ATTEMPTS - 1:
                raise faults.unavailable(error) from error
            faults.require_taken(error.details)
        else:
            return


def open_seal(connection: Connection, before: datetime, settle_seconds: float) -> Run:
    """Let writers strike what lies before the instant, and wait for those that do not know it yet.

    Raises:
        Misconfigured: the server has no transactions.
    """
    if not connection.has_transactions():
        raise Misconfigured("sealing needs transactions: make MongoDB a replica set")
    connection.horizons.bulk_write(
        [
            UpdateOne({"_id": SEALING}, {"$max": {"before": before}}, upsert=True),
            UpdateOne({"_id": SEALED}, {"$inc": {"run": 1}}, upsert=True),
        ]
    )
    known = read_watermarks(connection)
    if known.sealed_before is None or known.sealed_before < before:
        time.sleep(settle_seconds)
    return Run(known.sealed_before, known.run)


def close_seal(connection: Connection, before: datetime, run: Run) -> None:
    """Note that all before the instant is sealed, if this was the last that began."""
    update = {"$set": {"before": before}}
    connection.horizons.bulk_write([UpdateOne({"_id": SEALED, "run": run.number}, update)])


def unseal(connection: Connection) -> None:
    """Forget all blocks, after the hint that they are there, and then the hours of their days.

    Whoever does not come to the end leaves hours without a block, which nobody asks for, and no
    block without its hours. So what is sealed meanwhile goes too, and the hint of it at last.
    Strikes stay: somebody may be about to write a block that was made before them.
    """
    _forget_hint(connection)
    _delete_all(connection, connection.blocks, {"is_block": True})
    _delete_all(connection, connection.hours, {})
    _delete_all(connection, connection.blocks, {"is_block": True})
    _forget_hint(connection)


def _delete_all(
    connection: Connection, collection: MongoCollection[Document], found_by: Mapping[str, Any]
) -> None:
    """Delete documents, which may be those of a run of sealing whose process has died."""
    try:
        with pymongo.timeout(INACTIVE_SECONDS + 1):
            collection.delete_many(found_by)
    except PyMongoError as error:
        if not error.timeout:
            raise
        end_orphans(connection.client)
        collection.delete_many(found_by)


def _forget_hint(connection: Connection) -> None:
    """Let the next run look at all samples; those under way leave no hint either."""
    update = {"$unset": {"before": ""}, "$inc": {"run": 1}}
    connection.horizons.bulk_write([UpdateOne({"_id": SEALED}, update)])


def struck_blocks(reader: Reader) -> list[tuple[int, list[Handle]]]:
    """Where days are struck: by month the tracks and rollups."""
    found: dict[int, set[Handle]] = defaultdict(set)
    for document in reader.blocks(questions.struck()):
        found[document["month"]].add(document["of"])
    return [(month, list(found[month])) for month in sorted(found)]


def transact(
    connection: Connection, timeout_seconds: float, run: Run, work: Callable[[SealTransaction], T]
) -> T:
    """Do the work of sealing in a transaction."""
    with faults.of_order(), connection.client.start_session() as session:
        return in_transaction(
            session,
            lambda session: work(
                _Transaction(connection, Reader(connection, timeout_seconds, session), run, session)
            ),
        )


class _Transaction(MongoTrackReads, SealTransaction):
    """What sealing does in a transaction of a session."""

    def __init__(
        self, connection: Connection, reader: Reader, run: Run, session: ClientSession
    ) -> None:
        self._connection = connection
        self._of_session = reader
        self._run = run
        self._session = session

    def _reader(self) -> Reader:
        return self._of_session

    def keep(self, blocks: Collection[StoredBlock], hours: Mapping[DayOf, bytes | None]) -> None:
        """See `SealTransaction.keep`."""
        by_month: dict[int, list[Handle]] = defaultdict(list)
        for kept in blocks:
            by_month[kept.month].append(kept.handle)
        writes: list[ReplaceOne[Document] | DeleteMany] = [
            ReplaceOne(
                {"_id": block_key(cast("bytes", kept.handle), kept.month)},
                block_to_document(kept),
                upsert=True,
            )
            for kept in blocks
        ]
        writes += [
            DeleteMany(questions.strikes(some, month, self._run.number))
            for month, some in by_month.items()
        ]
        if writes:
            self._connection.blocks.bulk_write(writes, ordered=False, session=self._session)
        of_days: list[ReplaceOne[Document] | DeleteOne] = [
            DeleteOne({"_id": hours_key(day)})
            if kept is None
            else ReplaceOne({"_id": hours_key(day)}, {"hours": kept}, upsert=True)
            for day, kept in hours.items()
        ]
        if of_days:
            self._connection.hours.bulk_write(of_days, ordered=False, session=self._session)


def delete(connection: Connection, handles: Collection[Any], range_: Range) -> Iterator[int]:
    """Delete the samples of the tracks in range, some thousands at a time; how many each time."""
    find = questions.positions_of(handles, range_, _DELETED_AT_ONCE)
    count = _DELETED_AT_ONCE
    while count == _DELETED_AT_ONCE:
        with faults.of_order(), connection.client.start_session() as session:
            count = delete_found(connection, find, session)
        yield count


def delete_found(connection: Connection, find: questions.Find, session: ClientSession) -> int:
    """Delete the samples that are found, whose days are struck with them; how many there were."""

    def delete_some(session: ClientSession) -> list[Document]:
        found: list[Document] = connection.samples.find(**find, session=session).to_list()
        _strike_found(connection, found, session)
        keys = [one["_id"] for one in found]
        if keys:
            connection.samples.delete_many(questions.among(keys)["filter"], session=session)
        return found

    if not connection.has_transactions():
        return len(delete_some(session))
    found = in_transaction(session, delete_some)
    # Some may have come to be sealed meanwhile.
    _strike_found(connection, found, session)
    return len(found)


def _strike_found(connection: Connection, samples: list[Document], session: ClientSession) -> None:
    """Strike the days of the samples, as far as they may be sealed now."""
    known = read_watermarks(connection, session)
    instants = [(one[TRACK], instant_of(one[RANK])) for one in samples]
    late = {(handle, day_of(at)) for handle, at in instants if at < known.sealing_before}
    find = questions.rollups_of({handle for handle, _ in late})
    found = connection.tracks.find(**find, session=session) if late else ()
    rollup_of = {one["_id"]: one["rollup"] for one in found}
    days = late | {(rollup_of[handle], day) for handle, day in late}
    strike(connection, days, known.run, session)
