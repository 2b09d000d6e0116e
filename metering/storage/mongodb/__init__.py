"""The MongoDB driver."""

from typing import ClassVar, Self

from metering.storage.mongodb.tables import MongoTables
from metering.storage.tracks import TrackStorage


class MongoStorage(TrackStorage):
    """`mongodb://host/database`: a store in MongoDB 6.0 or later."""

    # Writers look again after 30 seconds, and take 10 at most.
    settle_seconds: ClassVar[float] = 60
    tables: MongoTables

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:
        """See `Storage.open`; the database is `metering` if the URL names none.

        Raises:
            Misconfigured: the URL is not valid.
        """
        return cls(MongoTables(url, timeout_seconds), timeout_seconds)
