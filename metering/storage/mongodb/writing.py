"""Recording: durable, once for each key, and never "already stored" without proof.

Only bulk inserts are used, because the others hide a failed write concern behind a duplicate key.
Keys that are taken are read again at majority, in the session of the insert, so that the read waits
until what the insert met is committed.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pymongo
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.errors import BulkWriteError, OperationFailure

from metering.errors import Misconfigured, StorageUnavailable
from metering.metadata import Metadata
from metering.model import Outcome, Sample, Series, Submission, Track, Verdict
from metering.remembered import Remembered
from metering.retention import Expiry, Horizons
from metering.storage.base import has_refusal, verdicts_in_order
from metering.storage.mongodb import faults
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.expiring import read_spent, read_watermarks
from metering.storage.mongodb.mapping import (
    Document,
    Watermarks,
    description_from_document,
    description_to_document,
    rollup_to_document,
    row_from_document,
    track_from_document,
    track_to_document,
)
from metering.storage.mongodb.orphans import INACTIVE_SECONDS, end_orphans
from metering.storage.mongodb.packing import sample_to_document
from metering.storage.mongodb.questions import among
from metering.storage.mongodb.sealing import Day, delete_found, in_transaction, strike
from metering.storage.spans import day_of

T = TypeVar("T")

# How long a writer goes by watermarks that it has read, and how long a batch takes at most.
# `metering-manage seal` waits for both.
KNOWN_SECONDS = 30
BUDGET_SECONDS = 10
# Of each the digest: 150 bytes.
_TRACKS_REMEMBERED = 250_000
_DESCRIPTIONS_REMEMBERED = 50_000
_WRITE_CONFLICT = 112
# Outcomes of samples that somebody has stored.
_THERE = {Outcome.DUPLICATE, Outcome.CONFLICT}


@dataclass(frozen=True, slots=True)
class _View:
    """The watermarks as last read, and what they refuse of some submissions."""

    known: Watermarks
    expiry: Expiry


@dataclass(frozen=True, slots=True)
class _Insert:
    """Documents to insert together, the days to strike, and the view they were judged by."""

    documents: list[RawBSONDocument]
    days: Collection[Day]
    submissions: Sequence[Submission]
    view: _View


class Writer:
    """Records samples over a connection."""

    def __init__(self, connection: Connection) -> None:
        """Nothing is known yet of which tracks and descriptions are stored.

        What is learnt holds as long as the database does: processes that write must be started
        anew after it was dropped or restored from a backup.
        """
        self._connection = connection
        self._stored_tracks: Remembered[bytes, bool] = Remembered(_TRACKS_REMEMBERED)
        self._stored_descriptions: Remembered[bytes, bool] = Remembered(_DESCRIPTIONS_REMEMBERED)
        self._remembered: tuple[Watermarks | None, float] = (None, 0.0)

    def record(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Verdict]:
        """See `Storage.record`; takes at most about `BUDGET_SECONDS`."""
        if not submissions:
            return []
        with (
            faults.of_order(),
            pymongo.timeout(BUDGET_SECONDS),
            self._connection.client.start_session() as session,
        ):
            view = self._view(self._known(session), submissions, session)
            self._keep_described(submissions, session)
            is_late = any(one.sample.timestamp < view.known.sealing_before for one in submissions)
            if (atomic and len(submissions) > 1) or is_late:
                return self._record_together(submissions, view, session, atomic=atomic)
            verdicts = self._record_each(submissions, view.expiry, session)
            return self._settled(submissions, verdicts, view, session)

    def _known(self, session: ClientSession) -> Watermarks:
        """The watermarks, at most `KNOWN_SECONDS` old: none moves back.

        They are read afresh after the samples are stored. Before that, only so often that
        `Storage.seal` can wait for writers that know less.
        """
        now = time.monotonic()
        known, read_at = self._remembered
        if known is None or now > read_at + KNOWN_SECONDS:
            known = read_watermarks(self._connection, session)
            self._remembered = known, now
        return known

    def _view(
        self, known: Watermarks, submissions: Sequence[Submission], session: ClientSession
    ) -> _View:
        if known.horizons == Horizons():
            return _View(known, Expiry())
        spent = read_spent(self._connection, submissions, session)
        return _View(known, Expiry(known.horizons, spent))

    def _view_now(self, submissions: Sequence[Submission], session: ClientSession) -> _View:
        return self._view(read_watermarks(self._connection, session), submissions, session)

    def _settled(
        self,
        submissions: Sequence[Submission],
        verdicts: list[Verdict],
        before: _View,
        session: ClientSession,
        *,
        has_stored: bool = True,
    ) -> list[Verdict]:
        """The verdicts, after what went on while the samples were stored was made good.

        What has expired meanwhile is refused, and gone: if a sample was deleted before it came
        again, then this read, which is causally after the insert, sees the horizon that let it go.
        And days that have come to be sealed are struck, those of duplicates too: whoever stored
        them first may not have lived to do it.
        """
        asked_at = time.monotonic()
        view = self._view_now(submissions, session)
        self._remembered = view.known, asked_at
        judged = verdicts
        if view.expiry != before.expiry:
            judged = [
                Verdict(Outcome.EXPIRED, one.sample) if view.expiry.covers(one) else verdict
                for one, verdict in zip(submissions, verdicts, strict=True)
            ]
            if has_stored:
                self._undo(verdicts, judged, session)
        self._strike_since(verdicts, before.known, view.known, session)
        return judged

    def _undo(self, verdicts: list[Verdict], judged: list[Verdict], session: ClientSession) -> None:
        """Delete what was stored and is refused by now."""
        undone = {
            verdict.kept.key
            for verdict, after in zip(verdicts, judged, strict=True)
            if verdict.outcome is Outcome.STORED and after is not verdict
        }
        if undone:
            delete_found(self._connection, among(undone), session)

    def _strike_since(
        self,
        verdicts: Sequence[Verdict],
        before: Watermarks,
        known: Watermarks,
        session: ClientSession,
    ) -> None:
        stored = [one.kept for one in verdicts if one.outcome is Outcome.STORED]
        there = [one.kept for one in verdicts if one.outcome in _THERE]
        days = (_days(stored, known) - _days(stored, before)) | _days(there, known)
        strike(self._connection, days, known.run, session)

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

    def _record_together(
        self,
        submissions: Sequence[Submission],
        view: _View,
        session: ClientSession,
        *,
        atomic: bool,
    ) -> list[Verdict]:
        """Look, judge, and insert what is new in one go; again, if others were faster.

        What was judged stays true, because samples never change, unless a horizon moved: the
        insert is not done then. Each round that fails has met a key or a horizon that the next
        one finds, and the time is limited.
        """
        keys = {submission.sample.key for submission in submissions}
        while True:
            kept = self._kept(keys, session)
            verdicts, fresh = verdicts_in_order(submissions, kept, view.expiry)
            if not fresh or (atomic and has_refusal(verdicts)):
                # Under a key that was free somebody else may have stored a sample by now.
                return self._settled(submissions, verdicts, view, session, has_stored=False)
            work = _Insert(_documents(fresh), _days(fresh.values(), view.known), submissions, view)
            if self._connection.has_transactions():
                if self._insert_together(work, session):
                    asked_at = time.monotonic()
                    known = read_watermarks(self._connection, session)
                    self._remembered = known, asked_at
                    self._strike_since(verdicts, view.known, known, session)
                    return verdicts
            elif not _insert(self._connection.samples, work.documents, session):
                return self._settled(submissions, verdicts, view, session)
            view = self._view_now(submissions, session)

    def _insert_together(self, work: _Insert, session: ClientSession) -> bool:
        """Insert all and strike the days, or neither if a key is taken or others have expired.

        In one moment, so that nobody sees, or is told to have, a sample that is taken back.
        """
        samples = self._connection.samples
        begin = time.monotonic()

        def insert(session: ClientSession) -> bool:
            view = self._view_now(work.submissions, session)
            if view.expiry != work.view.expiry:
                return False
            try:
                samples.insert_many(work.documents, ordered=False, session=session)
                strike(self._connection, work.days, view.known.run, session)
            except OperationFailure as error:
                is_late = time.monotonic() > begin + INACTIVE_SECONDS
                if is_late and error.code == _WRITE_CONFLICT:
                    end_orphans(self._connection.client)
                raise
            return True

        try:
            return in_transaction(session, insert)
        except BulkWriteError as error:
            faults.require_taken(error.details)
            return False

    def _keep_described(self, submissions: Sequence[Submission], session: ClientSession) -> None:
        """Make tracks and descriptions durable that this process does not know to be.

        Before any sample that names them, and in no transaction: without samples they appear
        nowhere.
        """
        tracks: dict[bytes, Track] = {}
        descriptions: dict[bytes, Metadata] = {}
        for one in submissions:
            series = one.sample.series
            tracks[series.track.digest] = series.track
            descriptions[series.metadata.digest] = series.metadata
        unknown = _unknown(tracks, self._stored_tracks)
        rollups = {one.digest: one for one in (track.rollup for track in unknown.values())}
        new = _unknown(descriptions, self._stored_descriptions)
        self._keep_all(self._connection.rollups, map(rollup_to_document, rollups.values()), session)
        self._keep_all(self._connection.tracks, map(track_to_document, unknown.values()), session)
        documents = map(description_to_document, new.values())
        self._keep_all(self._connection.descriptions, documents, session)
        for digest in unknown:
            self._stored_tracks.add(digest, True)
        for digest in new:
            self._stored_descriptions.add(digest, True)

    def _keep_all(
        self,
        collection: MongoCollection[Document],
        documents: Iterable[Document],
        session: ClientSession,
    ) -> None:
        """Make documents durable that never change, some of which may be there."""
        new = list(documents)
        taken = _insert(collection, new, session) if new else []
        find = {**among(taken), "projection": {"_id": True}}
        if taken and len(collection.find(**find, session=session).to_list()) < len(taken):
            raise _unproven()

    def _kept(self, keys: Collection[bytes], session: ClientSession) -> dict[bytes, Sample]:
        """The samples on a majority under these keys."""
        if not keys:
            return {}
        documents = self._connection.samples.find(**among(keys), session=session).to_list()
        rows = {document["_id"]: row_from_document(document) for document in documents}
        tracks = _found(self._connection.tracks, {row.track for row in rows.values()}, session)
        descriptions = _found(
            self._connection.descriptions, {row.description for row in rows.values()}, session
        )
        return {
            key: row.sample(
                Series(
                    track_from_document(tracks[row.track]),
                    description_from_document(descriptions[row.description]),
                )
            )
            for key, row in rows.items()
        }


def _unknown(found: Mapping[bytes, T], known: Remembered[bytes, bool]) -> dict[bytes, T]:
    return {digest: one for digest, one in found.items() if not known.get(digest)}


def _found(
    collection: MongoCollection[Document], digests: Collection[Any], session: ClientSession
) -> Mapping[Any, Document]:
    """The documents with these digests, which samples name that are on a majority.

    Raises:
        Misconfigured: there are samples, but not what they name.
    """
    found = {one["_id"]: one for one in collection.find(**among(digests), session=session)}
    if len(found) < len(digests):
        message = f"{collection.name} of samples are missing: metering-manage verify says more"
        raise Misconfigured(message)
    return found


def _insert(
    collection: MongoCollection[Document],
    documents: Sequence[Document | RawBSONDocument],
    session: ClientSession,
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


def _days(samples: Iterable[Sample], known: Watermarks) -> set[Day]:
    """The days of the samples, for tracks and rollups, as far as they may be sealed."""
    return {
        (handle, day_of(one.timestamp))
        for one in samples
        if one.timestamp < known.sealing_before
        for handle in (one.series.track.digest, one.series.track.rollup.digest)
    }


def _documents(fresh: Mapping[bytes, Sample]) -> list[RawBSONDocument]:
    return [sample_to_document(key, sample) for key, sample in fresh.items()]


def _unproven() -> StorageUnavailable:
    return StorageUnavailable("MongoDB has a key twice, but not yet on a majority of its members")
