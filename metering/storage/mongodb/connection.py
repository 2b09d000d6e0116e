"""The client of a process and the collections seen through it, always with the same guarantees.

What the URL says of write concern, read concern or read preference does not count: a sample is
acknowledged when it is in the journals of a majority, and read where it cannot be rolled back.
"""

import os
from collections.abc import Callable
from datetime import UTC
from typing import Any, TypeVar

from pymongo import MongoClient, ReadPreference
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from metering.errors import Misconfigured
from metering.storage.mongodb.elections import Elections
from metering.storage.mongodb.mapping import CODEC, Document
from metering.storage.mongodb.orphans import APP_NAME

T = TypeVar("T")

DEFAULT_DATABASE = "metering"
DURABLE = WriteConcern(w="majority", j=True, wtimeout=5000)
COMMITTED = ReadConcern("majority")

# A frozen server is found out, and what waits for it interrupted, after a heartbeat and a connect
# timeout. So the timeout of sockets only has to be longer than any answer takes.
_SETTINGS: dict[str, Any] = {
    "appname": APP_NAME,
    "connect": False,
    "connectTimeoutMS": 2000,
    "heartbeatFrequencyMS": 1000,
    "journal": True,
    "readConcernLevel": "majority",
    "readPreference": "primary",
    "retryReads": True,
    "retryWrites": True,
    "serverSelectionTimeoutMS": 3000,
    "timeoutMS": None,
    "tz_aware": True,
    "tzinfo": UTC,
    "w": "majority",
    "waitQueueTimeoutMS": 3000,
    "wtimeoutMS": 5000,
}
_SOCKET_SLACK_SECONDS = 5


class Connection:
    """One MongoClient for each process that uses it: a fork starts with a client of its own."""

    def __init__(self, url: str, timeout_seconds: float) -> None:
        """Check the URL; nothing is connected before the first use.

        Raises:
            Misconfigured: not a URI of MongoDB. The message has no part of it.
        """
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._database_name = _database_name(url)
        self._transactions: bool | None = None
        self._elections = Elections()
        self._clients: dict[int, MongoClient[Document]] = {os.getpid(): self._new_client()}

    @property
    def client(self) -> MongoClient[Document]:
        """The client of this process.

        Without a lock, which a fork could leave locked: of two clients that threads make at the
        same time one is dropped before it has connected.
        """
        pid = os.getpid()
        client = self._clients.get(pid)
        return client or self._clients.setdefault(pid, self._new_client())

    @property
    def database(self) -> Database[Document]:
        """The database of the URL, or `metering`."""
        return self.client.get_database(
            self._database_name,
            codec_options=CODEC,
            read_preference=ReadPreference.PRIMARY,
            write_concern=DURABLE,
            read_concern=COMMITTED,
        )

    @property
    def tracks(self) -> Collection[Document]:
        """The collection of tracks, `_id` the digest."""
        return self.database["tracks"]

    @property
    def descriptions(self) -> Collection[Document]:
        """The collection of descriptions, `_id` the digest."""
        return self.database["descriptions"]

    @property
    def rollups(self) -> Collection[Document]:
        """The collection of rollups, `_id` the digest."""
        return self.database["rollups"]

    @property
    def samples(self) -> Collection[Document]:
        """The collection of samples, `_id` the key; `names` has the other fields."""
        return self.database["samples"]

    @property
    def blocks(self) -> Collection[Document]:
        """The collection of blocks, `_id` from track or rollup, and month."""
        return self.database["blocks"]

    @property
    def hours(self) -> Collection[Document]:
        """The collection of hours of busy days, `_id` from track or rollup, and day."""
        return self.database["hours"]

    @property
    def horizons(self) -> Collection[Document]:
        """The collection of instants that hold for all, `_id` what they are for."""
        return self.database["horizons"]

    @property
    def spent(self) -> Collection[Document]:
        """The collection of spent keys, which are `_id`."""
        return self.database["spent"]

    @property
    def meta(self) -> Collection[Document]:
        """The collection of what is known about the database itself."""
        return self.database["meta"]

    def committed(self, read: Callable[[], T], session: ClientSession | None = None) -> T:
        """What is read, with all that was acknowledged before; it may be read several times.

        In a transaction once, which has been told so when it is committed.

        Raises:
            StorageUnavailable: a new primary does not know yet what is committed.
        """
        if session and session.in_transaction:
            return read()
        return self._elections.settled(self.client, self._database_name, read)

    def has_transactions(self) -> bool:
        """Whether the server is a member of a replica set, or a router of a sharded cluster."""
        if self._transactions is None:
            hello = self.client.admin.command("hello")
            self._transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
        return self._transactions

    def close(self) -> None:
        """Close the client of this process."""
        self.client.close()

    def _new_client(self) -> MongoClient[Document]:
        socket_timeout_ms = int((self._timeout_seconds + _SOCKET_SLACK_SECONDS) * 1000)
        try:
            return MongoClient(self._url, **_SETTINGS, socketTimeoutMS=socket_timeout_ms)
        except (PyMongoError, ValueError, TypeError):
            raise _bad_url() from None


def _database_name(url: str) -> str:
    try:
        parts = parse_uri(url, warn=False)
    except (PyMongoError, ValueError, TypeError):
        raise _bad_url() from None
    if parts["collection"]:
        raise _bad_url()
    return parts["database"] or DEFAULT_DATABASE


def _bad_url() -> Misconfigured:
    return Misconfigured(
        "the database connection is not a valid URI, mongodb://host[:port]/database: "
        "an option is wrong, or a user name or password is not percent-encoded"
    )
