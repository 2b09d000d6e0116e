"""What a store holds in the end, seen by a reader of its own, against what clients were told."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from e2e.web import get
from faults.writers import Batch, Identity

from metering.model import AllProjects
from metering.query import FIELDS, Comparison, Operator, SampleQuery
from metering.storage import open_storage


@dataclass(frozen=True)
class Audit:
    """How many samples were acknowledged, and what is wrong with them."""

    acknowledged: int
    lost: int = 0
    doubled: int = 0
    never_sent: int = 0
    wrong_ids: int = 0


def audit(url: str, batches: Iterable[Batch]) -> Audit:
    """Compare, volume by volume and id by id, through a store that is opened for it."""
    batches = list(batches)
    told = Counter(volume for batch in batches for volume in batch.volumes)
    found = stored(url)
    volumes = Counter(volume for _, volume in found)
    with_ids = [one for one in batches if one.identity is Identity.IDS]
    expected = {pair for one in with_ids for pair in zip(one.ids, one.volumes, strict=True)}
    return Audit(
        acknowledged=told.total(),
        lost=(told - volumes).total(),
        doubled=sum(times - 1 for times in volumes.values()),
        never_sent=len(volumes.keys() - told.keys()),
        wrong_ids=len(expected - set(found)),
    )


def stored(url: str) -> list[tuple[str, Decimal]]:
    """Id and volume of every sample."""
    storage = open_storage(url, timeout_seconds=60)
    try:
        samples = storage.samples(SampleQuery(scope=AllProjects()))
        return [(one.id, one.volume) for one in samples]
    finally:
        storage.close()


def billed(address: str) -> tuple[int, Decimal]:
    """Number and sum of the samples as the service says them, in statistics."""
    rows = get(address, "/v2/meters/m/statistics").json
    return sum(int(row["count"]) for row in rows), sum(Decimal(row["sum"]) for row in rows)


def due(batches: Iterable[Batch]) -> tuple[int, Decimal]:
    """What that must be: number and exact sum of what was acknowledged."""
    volumes = [volume for batch in batches for volume in batch.volumes]
    return len(volumes), sum(volumes, Decimal())


def stored_of(url: str, batch: Batch) -> int:
    """How many samples of the batch's resource are stored, as soon as that stays so.

    A server may be about to commit what a client sent that is dead, and the rows of one answer
    are not all read at one instant.
    """
    storage = open_storage(url, timeout_seconds=60)
    query = SampleQuery(
        scope=AllProjects(), filter=Comparison(FIELDS["resource_id"], Operator.EQ, batch.resource)
    )
    try:
        counts = [-1]
        while counts[-1] != (now := len(list(storage.samples(query)))):
            counts.append(now)
        return now
    finally:
        storage.close()
