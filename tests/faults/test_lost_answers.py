"""Answers get lost after the request was carried out: sent again, everything counts once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.processes import serving, until
from e2e.stores import fresh_database
from faults.audit import Audit, audit, billed, due
from faults.proxy import Proxy, http, losing, mongodb
from faults.size import report, sized
from faults.writers import Identity, Work, Writers, writing
from mongod import ReplicaSet

LOST = sized(100, 1_000)
LOST_INSIDE = sized(40, 400)
BATCH = 5
WARM = 10
GIVE_UP_SECONDS = sized(60, 600)


def through_a_proxy(url: str, folder: Path, work: Work) -> Audit:
    """Write through a proxy before the service until enough answers were lost."""
    with serving("uwsgi", folder, url) as service:
        with losing(service.address, http, work.seed) as proxy:
            with writing(proxy.address, work) as writers:
                until(
                    lambda: writers.least() and proxy.lost >= LOST,
                    "answers are lost",
                    GIVE_UP_SECONDS,
                )
            report("answers to clients", proxy.lost, "lost of", proxy.lost + proxy.passed)
        said = billed(service.address)
    if work.identity is not Identity.NONE:
        assert due(writers.batches) == said
    return audit(url, writers.batches)


def test_lost_on_the_way_to_the_client(url: str, tmp_path: Path, seed: int) -> None:
    """One answer in seven never arrives: nothing is lost, nothing doubled."""
    identity = Identity.KEY if url.startswith("sqlite") else Identity.IDS
    seen = through_a_proxy(url, tmp_path, Work(seed, identity, BATCH, loses=0))
    report("found", seen)

    assert Audit(seen.acknowledged) == seen


def test_without_ids_every_lost_answer_doubles(sqlite_url: str, tmp_path: Path, seed: int) -> None:
    """Negative control: as many batches are doubled as answers were lost."""
    seen = through_a_proxy(sqlite_url, tmp_path, Work(seed, Identity.NONE, BATCH, loses=0))
    report("found", seen)

    assert seen.doubled >= LOST * BATCH


@contextmanager
def between(servers: ReplicaSet, folder: Path, work: Work) -> Iterator[tuple[Proxy, Writers, str]]:
    """Write through a service that has a proxy before MongoDB; ends with the block."""
    url = fresh_database(servers)
    with losing(servers.members[0].address, mongodb, work.seed) as proxy:
        # A client of the whole set would learn the server's own address, and go around.
        around = f"mongodb://{proxy.address}/{url.rpartition('/')[2].partition('?')[0]}"
        with (
            serving("uwsgi", folder, f"{around}?directConnection=true") as service,
            writing(service.address, work) as writers,
        ):
            yield proxy, writers, url
    report("answers to the service", proxy.lost, "lost,", proxy.passed, "not", writers.statuses)


def test_lost_on_the_way_to_the_service(one_member: ReplicaSet, tmp_path: Path, seed: int) -> None:
    """One answer of MongoDB to a write in seven never arrives: the same."""
    work = Work(seed, batch=BATCH, loses=0)
    with between(one_member, tmp_path, work) as (proxy, writers, url):
        until(lambda: writers.least() and proxy.lost >= LOST_INSIDE, "lost", GIVE_UP_SECONDS)
    seen = audit(url, writers.batches)
    report("found", seen)

    assert Audit(seen.acknowledged) == seen


def test_lost_for_so_long_that_the_driver_gives_up(
    one_member: ReplicaSet, tmp_path: Path, seed: int
) -> None:
    """Negative control: without ids, what the driver's own retry cannot hide is doubled."""
    work = Work(seed, Identity.NONE, BATCH, loses=0)
    with between(one_member, tmp_path, work) as (proxy, writers, url):
        proxy.part = 0
        until(lambda: writers.least() >= WARM, "the workers know the series", GIVE_UP_SECONDS)

        def lose_for_a_while() -> int:
            """Batches that are all or nothing are not stored then; some time another one is met."""
            refused, written = writers.statuses.get(503, 0), writers.least()
            proxy.part = 1
            until(
                lambda: writers.statuses.get(503, 0) >= refused + work.clients,
                "503",
                GIVE_UP_SECONDS,
            )
            proxy.part = 0
            until(lambda: writers.least() > written, "written on", GIVE_UP_SECONDS)
            return audit(url, writers.batches).doubled

        until(lambda: lose_for_a_while() >= BATCH, "doubled", GIVE_UP_SECONDS)

    assert audit(url, writers.batches).doubled >= BATCH
