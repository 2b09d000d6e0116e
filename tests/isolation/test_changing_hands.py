"""A resource that changes hands: what its owners learn of each other.

Streams are shared where an administrator records for several projects under one source. Of the
next owner a member learns the instant of one reading, and of the one before that there was one.
"""

from decimal import Decimal
from typing import Any

import pytest
from api.client import Client, keep
from builders import NOON, after_noon

from metering.api.app import make_app
from metering.config import load
from metering.model import MeterType
from metering.storage.memory import MemoryStorage

FUNCTIONS = ("usage", "increase", "integral", "timeavg", "rate", "peak", "first", "latest", "sum")
ASKED = "&".join(f"aggregate.func={name}" for name in FUNCTIONS)


def answers(volumes: tuple[int, ...], project: str, kind: MeterType, first: str) -> Any:
    """What a member is told after p-1, p-2 and p-1 again had a resource; volumes are p-2's."""
    storage = MemoryStorage()
    owned = [(0, "p-1", 10), (60, "p-1", 12), *zip((120, 180), ("p-2",) * 2, volumes, strict=True)]
    owned += [(240, "p-1", 70), (300, "p-1", 75)]
    keep(
        storage,
        *(
            {"timestamp": after_noon(at), "project_id": owner, "volume": volume, "type": kind}
            for at, owner, volume in owned
        ),
    )
    application = make_app(load(overrides=[("api", "auth", "headers")]), storage)
    member = Client(application).acting(project=project, user="u-1", roles="member")
    start = NOON.replace(tzinfo=None).isoformat()
    path = f"/v2/meters/cpu/statistics?start={start}&end=2015-06-02&first={first}&period=60&{ASKED}"
    return member.rows(path)


@pytest.mark.parametrize("first", ["baseline", "zero"])
@pytest.mark.parametrize("kind", MeterType)
def test_volumes_of_the_next_owner_are_not_told(kind: MeterType, first: str) -> None:
    """Whatever they are, the answers are the same."""
    assert answers((20, 30), "p-1", kind, first) == answers((999, 5), "p-1", kind, first)


def figures(project: str, kind: MeterType) -> list[tuple[str, Decimal]]:
    """When, and how much was used."""
    rows = answers((20, 30), project, kind, "zero")
    return [(row["period_start"][14:16], row["aggregate"]["usage"]) for row in rows]


def test_a_gauge_holds_until_the_next_owner() -> None:
    """Each minute is one owner's."""
    hours = {
        name: [(minute, round(amount * 60)) for minute, amount in figures(name, MeterType.GAUGE)]
        for name in ("p-1", "p-2")
    }

    assert hours["p-2"] == [("02", 20), ("03", 30)]
    assert hours["p-1"][:4] == [("00", 10), ("01", 12), ("04", 70), ("05", 75)]


def test_a_counter_counts_what_an_owner_saw() -> None:
    """From the first own reading to the last before somebody else's."""
    mine, theirs = (figures(name, MeterType.CUMULATIVE)[:4] for name in ("p-1", "p-2"))

    assert mine == [("00", 12), ("01", 0), ("04", 5), ("05", 0)]
    assert theirs == [("02", 10), ("03", 0)]


def test_a_revision_ends_at_the_next_owner() -> None:
    """That instant is told, and nothing else: neither whose it is then, nor as what, nor before."""
    told = []
    for owner, flavor, volume in (("p-2", "small", 7), ("p-3", "huge", 999)):
        storage = MemoryStorage()
        theirs = {"project_id": owner, "volume": volume, "metadata": {"flavor": flavor}}
        mine = {"project_id": "p-1", "metadata": {"flavor": "large"}}
        owned = [(0, theirs), (60, mine), (120, theirs), (180, mine), (240, theirs), (300, theirs)]
        keep(storage, *({"timestamp": after_noon(at), **one} for at, one in owned))
        application = make_app(load(overrides=[("api", "auth", "headers")]), storage)
        member = Client(application).acting(project="p-1", user="u-1", roles="member")
        told.append(member.rows("/v2/revisions?resource_id=vm-1"))

    assert told[0] == told[1]
    assert [("2015-06-01T12:01:00Z", "2015-06-01T12:04:00Z", [])] == [
        (one["from"], one["to"], one["changed"]) for one in told[0]
    ]
