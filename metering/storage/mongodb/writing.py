"""Recording: durable, once for each key, and never "already stored" without proof.

The traps are those of reliability.md 2.4. Only bulk inserts are used, because the others hide a
failed write concern behind a duplicate key. Keys that are taken are read again at majority, in
the session of the insert, so that the read waits until what the insert met is committed.
"""

import time
from collections.abc import Collection, Mapping, Sequence

import pymongo
from pymongo import ReadPreference
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import BulkWriteError, OperationFailure
from pymongo.read_concern import ReadConcern

from metering.errors import StorageUnavailable
from metering.model import Outcome, Sample, Series, Submission, Verdict
from metering.retention import Expiry, Horizons
from metering.storage.base import has_refusal, verdicts_in_order
from metering.storage.mongodb import faults
from metering.storage.mongodb.connection import DURABLE, Connection
from metering.storage.mongodb.expiring import read_horizons, read_spent
from metering.storage.mongodb.mapping import (
    Document,
    row_from_document,
    sample_to_document,
    series_from_document,
    series_to_document,
)
from metering.storage.mongodb.orphans import INACTIVE_SECONDS, end_orphans
from metering.storage.mongodb.questions import among
from metering.storage.mongodb.recent import Recent

BUDGET_SECONDS = 10
_SERIES_REMEMBERED = 100_000
_WRITE_CONFLICT = 112


class Writer:
    """Records samples over a connection."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is known yet of which series are stored.

        What is learnt holds as long as the database does: processes that write must be started
        anew after it was dropped or restored from a backup.
        """
        self._connection = connection
        self._stored_series = Recent(_SERIES_REMEMBERED)
        self._transactions: bool | None = None
        self._horizons: Horizons | None = None

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """See `Storage.record`; takes at most about `BUDGET_SECONDS`."""
        if not submissions:
            return []
        with (
            faults.of_order(),
            pymongo.timeout(BUDGET_SECONDS),
            self._connection.client.start_session() as session,
        ):
            expiry = self._expiry(submissions, session)
            self._keep_series(submissions, session)
            how = self._record_all_or_nothing if atomic else self._record_each
            verdicts = how(submissions, expiry, session)
            return self._without_late(submissions, verdicts, session, atomic=atomic)

    def _expiry(self, submissions: Sequence[Submission], session: ClientSession) -> Expiry:
        """What is surely refused: horizons never move back, so those seen last will do."""
        if self._horizons is None:
            self._horizons = read_horizons(self._connection, session)
        if self._horizons == Horizons():
            return Expiry()
        return Expiry(self._horizons, read_spent(self._connection, submissions, session))

    def _without_late(
        self,
        submissions: Sequence[Submission],
        verdicts: list[Verdict],
        session: ClientSession,
        *,
        atomic: bool,
    ) -> list[Verdict]:
        """The verdicts, after what expired while it was being stored was taken back.

        If a sample was deleted before it came again, then this read, which is causally after the
        insert, sees the horizon that let it go. Nobody else stores a sample that this did.
        """
        self._horizons = read_horizons(self._connection, session)
        expiry = self._expiry(submissions, session)
        judged = [
            Verdict(Outcome.EXPIRED, one.sample) if expiry.covers(one) else verdict
            for one, verdict in zip(submissions, verdicts, strict=True)
        ]
        if judged != verdicts:
            undone = {
                before.kept.key
                for before, after in zip(verdicts, judged, strict=True)
                if before.outcome is Outcome.STORED and (atomic or after is not before)
            }
            self._connection.samples.delete_many(among(undone)["filter"], session=session)
        return judged

    def _record_each(
        self, submissions: Sequence[Submission], expiry: Expiry, session: ClientSession
    ) -> list[Verdict]:
        verdicts, fresh = verdicts_in_order(submissions, {}, expiry)
        if not fresh:
            return verdicts
        taken = _insert(self._connection.samples, _documents(fresh), session)
        if not taken:
            return verdicts
        kept = self._kept(taken, session)
        if len(kept) < len(taken):
            raise _unproven()
        return verdicts_in_order(submissions, kept, expiry)[0]

    def _record_all_or_nothing(
        self, submissions: Sequence[Submission], expiry: Expiry, session: ClientSession
    ) -> list[Verdict]:
        """Look, judge, and insert what is new in one go; again, if others were faster.

        What was judged stays true, because samples never change. Each round that fails has met
        a key that the next one finds, and the time is limited.
        """
        keys = {submission.sample.key for submission in submissions}
        while True:
            verdicts, fresh = verdicts_in_order(submissions, self._kept(keys, session), expiry)
            if not fresh or has_refusal(verdicts):
                return verdicts
            if self._insert_together(_documents(fresh), session):
                return verdicts

    def _insert_together(self, documents: list[Document], session: ClientSession) -> bool:
        """Insert all, or none if a key is taken; on a standalone server those that are free."""
        samples = self._connection.samples
        if len(documents) == 1 or not self._has_transactions():
            return not _insert(samples, documents, session)
        begin = time.monotonic()

        def insert(session: ClientSession) -> None:
            try:
                samples.insert_many(documents, ordered=False, session=session)
            except OperationFailure as error:
                is_late = time.monotonic() > begin + INACTIVE_SECONDS
                if is_late and error.code == _WRITE_CONFLICT:
                    end_orphans(self._connection.client)
                raise

        try:
            session.with_transaction(
                insert,
                read_concern=ReadConcern("snapshot"),
                write_concern=DURABLE,
                read_preference=ReadPreference.PRIMARY,
            )
        except BulkWriteError as error:
            faults.taken_keys(error.details, documents)
            return False
        return True

    def _has_transactions(self) -> bool:
        """Whether the server is a member of a replica set, or a router of a sharded cluster."""
        if self._transactions is None:
            hello = self._connection.client.admin.command("hello")
            self._transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
        return self._transactions

    def _keep_series(self, submissions: Sequence[Submission], session: ClientSession) -> None:
        """Make the series durable that this process does not know to be, before any sample.

        In no transaction: a series that has no samples appears nowhere.
        """
        series = {one.sample.series.digest: one.sample.series for one in submissions}
        unknown = [digest for digest in series if digest not in self._stored_series]
        if not unknown:
            return
        documents = [series_to_document(series[digest]) for digest in unknown]
        taken = _insert(self._connection.series, documents, session)
        if taken:
            self._series(taken, session)
        self._stored_series.add(unknown)

    def _kept(self, keys: Collection[bytes], session: ClientSession) -> dict[bytes, Sample]:
        """The samples on a majority under these keys."""
        if not keys:
            return {}
        documents = self._connection.samples.find(**among(keys), session=session).to_list()
        series = self._series({document["series"] for document in documents}, session)
        return {
            document["_id"]: row_from_document(document).sample(series[document["series"]])
            for document in documents
        }

    def _series(self, digests: Collection[bytes], session: ClientSession) -> Mapping[bytes, Series]:
        found = self._connection.series.find(**among(digests), session=session)
        series = {document["_id"]: series_from_document(document) for document in found}
        if len(series) < len(digests):
            raise _unproven()
        return series


def _insert(
    collection: MongoCollection[Document], documents: list[Document], session: ClientSession
) -> list[bytes]:
    """Insert what is not there, durably; the keys that were taken.

    Raises:
        StorageUnavailable: not confirmed.
    """
    try:
        collection.insert_many(documents, ordered=False, session=session)
    except BulkWriteError as error:
        return faults.taken_keys(error.details, documents)
    return []


def _documents(fresh: Mapping[bytes, Sample]) -> list[Document]:
    return [sample_to_document(key, sample) for key, sample in fresh.items()]


def _unproven() -> StorageUnavailable:
    return StorageUnavailable("MongoDB has a key twice, but not yet on a majority of its members")
