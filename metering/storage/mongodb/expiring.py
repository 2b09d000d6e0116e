"""Horizons and spent keys in MongoDB, and deleting what has expired."""

from collections.abc import Collection, Sequence

from pymongo import UpdateOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from metering.model import Submission
from metering.retention import Horizons, is_completed
from metering.storage.mongodb import faults, questions
from metering.storage.mongodb.connection import Connection
from metering.storage.mongodb.mapping import (
    Document,
    Watermarks,
    horizons_to_documents,
    watermarks_from_documents,
)


def read_watermarks(connection: Connection, session: ClientSession | None = None) -> Watermarks:
    """What is published on a majority; in a session, after all that happened in it."""

    def read() -> list[Document]:
        return connection.horizons.find({}, session=session).to_list()

    return watermarks_from_documents(connection.committed(read, session))


def read_spent(
    connection: Connection, submissions: Sequence[Submission], session: ClientSession
) -> set[bytes]:
    """Which keys are spent of those that came without a timestamp."""
    keys = [one.sample.key for one in submissions if is_completed(one)]
    if not keys:
        return set()

    def read() -> list[Document]:
        return connection.spent.find(**questions.among(keys), session=session).to_list()

    return {document["_id"] for document in connection.committed(read, session)}


def publish(connection: Connection, horizons: Horizons) -> Horizons:
    """Make the later of these and what is published durable, and return it.

    `$max` holds each of them where it is if somebody else moved it further meanwhile.
    """
    joined = read_watermarks(connection).horizons.joined(horizons)
    connection.horizons.bulk_write(
        [
            UpdateOne(
                {"_id": document["_id"]}, {"$max": {"before": document["before"]}}, upsert=True
            )
            for document in horizons_to_documents(joined)
        ],
        ordered=False,
    )
    return read_watermarks(connection).horizons


def spend(connection: Connection, keys: Collection[bytes]) -> None:
    """Remember the keys; some may be there."""
    documents = [{"_id": key} for key in keys]
    try:
        if documents:
            connection.spent.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        faults.require_taken(error.details)
