"""Where both sides keep their samples: databases of one server, or files of one folder."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mongod import ReplicaSet

from bench import service
from bench.plain import Plain, Size, mongodb, sqlite
from bench.processes import processor_seconds

# A replica set of one member has room for what is asked again and again, as a real one has.
_CACHE_GB = 1.0


@dataclass(frozen=True)
class Pair:
    """A store of ours, another one, and one of the rival, all empty and prepared.

    `server_spent` says how many seconds of processors their server has spent, if they have one.
    """

    url: str
    spare_url: str
    plain: Plain
    our_size: Callable[[], Size]
    server_spent: Callable[[], float]


Fresh = Callable[[], Pair]


@contextmanager
def mongodbs() -> Iterator[Fresh]:
    """Pairs of databases on one server, which ends with the block."""
    with ReplicaSet(cache_gb=_CACHE_GB) as servers, servers.members[0].client() as client:
        numbers = itertools.count()

        def fresh() -> Pair:
            number = next(numbers)
            return _prepared(
                Pair(
                    url=servers.url(f"ours{number}"),
                    spare_url=servers.url(f"spare{number}"),
                    plain=mongodb.PlainDocuments(servers.url(f"plain{number}")),
                    our_size=lambda: mongodb.size(client, f"ours{number}"),
                    server_spent=lambda: processor_seconds(servers.members[0].pid),
                )
            )

        yield fresh


@contextmanager
def sqlites() -> Iterator[Fresh]:
    """Pairs of files in one folder, which ends with the block."""
    with TemporaryDirectory(prefix="metering-bench-") as folder:
        numbers = itertools.count()

        def fresh() -> Pair:
            ours, spare, plain = (
                Path(folder, f"{whose}{next(numbers)}.db") for whose in ("ours", "spare", "plain")
            )
            return _prepared(
                Pair(
                    url=f"sqlite:///{ours}",
                    spare_url=f"sqlite:///{spare}",
                    plain=sqlite.PlainRows(plain),
                    our_size=lambda: sqlite.size(ours),
                    server_spent=lambda: 0.0,
                )
            )

        yield fresh


def _prepared(pair: Pair) -> Pair:
    service.prepare(pair.url)
    service.prepare(pair.spare_url)
    pair.plain.prepare()
    return pair


DRIVERS = {"mongodb": mongodbs, "sqlite": sqlites}
