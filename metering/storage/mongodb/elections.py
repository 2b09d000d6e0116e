"""A primary that was just elected, which does not know yet all that was committed before.

It has every write that the one before had acknowledged, but learns only with the first write of
its own that a majority has confirmed which of them are committed. Until then its reads at
majority are older: for seconds, if another member has to catch up. Who asks it for a linearizable
read waits for such a write (MongoDB manual, "Read Concern linearizable"), so one a process and
election is enough. A router of a sharded cluster says nothing of elections.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import pymongo
from pymongo import MongoClient
from pymongo.read_concern import ReadConcern

from metering.storage.mongodb import faults
from metering.storage.mongodb.mapping import Document

T = TypeVar("T")

_LINEARIZABLE = ReadConcern("linearizable")
_SECONDS = 5


class Elections:
    """Which election's primary is known to have committed something of its own."""

    def __init__(self) -> None:
        """Nothing is known yet. What is learnt holds for all processes, and so after a fork."""
        self._settled: Any = None

    def settled(self, client: MongoClient[Document], database: str, read: Callable[[], T]) -> T:
        """What is read at one primary that knows all that was committed before it was elected.

        If an election comes between, it is read again: that must do no harm.

        Raises:
            StorageUnavailable: the primary had committed nothing of its own within seconds.
        """
        while True:
            election = _latest(client)
            if election not in (None, self._settled):
                _wait(client, database)
                self._settled = election
            result = read()
            if election == _latest(client):
                return result


def _latest(client: MongoClient[Document]) -> Any:
    """The latest election that the client, or its one server, has heard of; None if there are none.

    A client of one server by `directConnection` does not put the servers' words together.
    """
    described = client.topology_description
    if described.max_election_id:
        return described.max_election_id
    return next((one.election_id for one in described.server_descriptions().values()), None)


def _wait(client: MongoClient[Document], database: str) -> None:
    meta = client.get_database(database, read_concern=_LINEARIZABLE)["meta"]
    with faults.of_order(), pymongo.timeout(_SECONDS):
        meta.find_one({})
