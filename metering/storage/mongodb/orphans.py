"""Transactions whose process died before it could commit; MongoDB keeps each open for a minute.

Until then it refuses any other insert of the same keys, and so the very request that is retried.
"""

from typing import Any

from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from metering.storage.mongodb.mapping import Document

APP_NAME = "metering"
# Between the commands of a transaction that somebody goes on with lie milliseconds.
INACTIVE_SECONDS = 2

_FIND: list[dict[str, Any]] = [
    {"$currentOp": {"idleSessions": True, "allUsers": False}},
    {
        "$match": {
            "appName": APP_NAME,
            "active": False,
            "transaction.timeInactiveMicros": {"$gt": INACTIVE_SECONDS * 1_000_000},
        }
    },
]


def end_orphans(client: MongoClient[Document]) -> None:
    """End the transactions of this service that nobody has gone on with for some seconds.

    Nothing is lost if somebody still would: it was not committed, and the driver begins it anew.
    """
    admin = client.get_database("admin", read_concern=ReadConcern("local"))
    sessions = [{"id": found["lsid"]["id"]} for found in admin.aggregate(_FIND)]
    if sessions:
        admin.command("killSessions", sessions)
