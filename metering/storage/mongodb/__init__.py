"""The MongoDB driver."""

from typing import ClassVar, Self

from metering.storage.mongodb.tables import MongoTables
from metering.storage.mongodb.writing import BUDGET_SECONDS, KNOWN_SECONDS
from metering.storage.tracks import TrackStorage


class MongoStorage(TrackStorage):
    """`mongodb://host/database`: a store in MongoDB 6.0 or later."""

    # Clocks of machines may run at other speeds, and a batch may be answered late.
    settle_seconds: ClassVar[float] = 1.5 * (KNOWN_SECONDS + BUDGET_SECONDS)
    tables: MongoTables

    @classmethod
    def open(cls, url: str, *, timeout_seconds: float) -> Self:
        """See `Storage.open`; the database is `metering` if the URL names none.

        Raises:
            Misconfigured: the URL is not valid.
        """
        return cls(MongoTables(url, timeout_seconds), timeout_seconds)
