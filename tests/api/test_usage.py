"""/v2/usage: every meter at once, in a window by name, beside the one before."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from api.client import Client, assert_fault, keep, url
from builders import after_noon

from metering import times
from metering.model import MeterType
from metering.retention import Horizons
from metering.storage.base import Storage

PATH = "/v2/usage"
JUNE = {"window": "2015-06"}
KINDS = {"cpu": MeterType.GAUGE, "calls": MeterType.DELTA, "bytes": MeterType.CUMULATIVE}


def told(meter: str, *pairs: tuple[float, object], **changes: object) -> list[dict[str, object]]:
    """Samples of a meter from (seconds after noon, volume)."""
    common = {"meter": meter, "type": KINDS[meter], "unit": meter[0].upper(), **changes}
    return [{"timestamp": after_noon(at), "volume": volume, **common} for at, volume in pairs]


def keep_all(storage: Storage, *samples: list[dict[str, object]]) -> None:
    """Keep lists of samples."""
    keep(storage, *(one for some in samples for one in some))


def row(meter: str, quantity: str, unit: str, **changes: object) -> dict[str, object]:
    """A row without groups, of a window that is over."""
    common = {"groupby": {}, "func": "usage", "previous": None, "quality": "final"}
    return common | {"meter": meter, "quantity": quantity, "unit": unit} | changes


def quantities(client: Client, **asked: object) -> dict[str, str]:
    """The quantity of each meter."""
    return {one["meter"]: one["quantity"] for one in client.rows(url(PATH, **asked))["rows"]}


def test_rows_ascend(client: Client, storage: Storage) -> None:
    """By meter, the groups in the order they were asked for, and type; null is first."""
    of = {"groupby": ["metadata.region", "project_id"], **JUNE}
    keep_all(
        storage,
        told("cpu", (0, 1), metadata={"region": "b"}, project_id="a"),
        told("cpu", (0, 1), metadata={"region": "a"}, project_id="b"),
        told("cpu", (0, 1), metadata={"region": "a"}, project_id=None),
        told("cpu", (0, 1), project_id="c"),
        told("calls", (0, 1), project_id="d"),
    )

    assert [
        ("calls", None, "d"),
        ("cpu", None, "c"),
        ("cpu", "a", None),
        ("cpu", "a", "b"),
        ("cpu", "b", "a"),
    ] == [(one["meter"], *one["groupby"].values()) for one in client.rows(url(PATH, **of))["rows"]]


def test_every_meter_at_once(client: Client, storage: Storage) -> None:
    """Each by its type, with the unit of the quantity; decimals are text."""
    keep_all(
        storage,
        told("cpu", (0, 2), (1800, 4), (3600, 0)),
        told("calls", (0, "0.1"), (5, "0.2")),
        told("bytes", (0, 100), (60, 700)),
    )
    before = times.now()
    answer = client.rows(url(PATH, **JUNE))

    assert before <= times.read(answer.pop("as_of")) <= times.now()
    assert answer == {
        "window": {
            "name": "2015-06",
            "start": "2015-06-01T00:00:00Z",
            "end": "2015-07-01T00:00:00Z",
            "tz": "UTC",
            "hours": "720",
        },
        "complete": True,
        "rows": [
            row("bytes", "600", "B", type="cumulative", quality="provisional"),
            row("calls", "0.3", "C", type="delta"),
            row("cpu", "3", "C-Hours", type="gauge"),
        ],
    }


def test_meters_groups_and_conditions(client: Client, storage: Storage) -> None:
    """Chosen meters, by owner and flavor, of what matches."""
    keep_all(
        storage,
        told("calls", (0, 1), metadata={"flavor": "s"}),
        told("calls", (1, 2), metadata={"flavor": "l"}),
        told("calls", (2, 4), metadata={"flavor": "l"}, project_id="p-2"),
        told("cpu", (3, 8)),
        told("bytes", (3, 8)),
    )

    asked = {**JUNE, "meter": ["calls", "cpu"], "groupby": ["project_id", "metadata.flavor"]}
    found = client.rows(url(PATH, ("project", "eq", "p-1"), **asked))["rows"]
    assert [(one["meter"], *one["groupby"].values(), one["quantity"]) for one in found] == [
        ("calls", "p-1", "l", "2"),
        ("calls", "p-1", "s", "1"),
        ("cpu", "p-1", None, "8"),
    ]
    assert quantities(client, **JUNE, meter="bytes") == {"bytes": "0"}
    assert quantities(client, **JUNE, meter="absent") == {}


def test_a_window_so_far(client: Client, storage: Storage) -> None:
    """Month to date ends now; a gauge holds until then, and the figure may still change."""
    now = times.now()
    keep_all(storage, told("cpu", (0, 6)))
    keep(storage, {"id": "now", "timestamp": now - timedelta(minutes=1), "volume": 60})
    answer = client.rows(url(PATH))

    assert (answer["window"]["name"], answer["complete"]) == ("mtd", False)
    assert answer["window"]["end"] == answer["as_of"]
    (found,) = answer["rows"]
    assert found["quality"] == "provisional"
    assert Decimal(1) <= Decimal(found["quantity"]) < Decimal("1.5")


def test_compared_with_the_window_before(client: Client, storage: Storage) -> None:
    """May beside June; what used nothing in May has 0."""
    keep_all(
        storage,
        told("calls", (0, 5), (-86_400 * 2, 3), (-86_400 * 40, 100)),
        told("cpu", (0, 1)),
    )
    found = client.rows(url(PATH, **JUNE, compare="previous"))["rows"]

    assert [(one["meter"], one["quantity"], one["previous"]) for one in found] == [
        ("calls", "5", "3"),
        ("cpu", "1", "0"),
    ]


@pytest.mark.parametrize(
    ("func", "before"),
    [("usage", "0"), ("count", "0"), ("rate", "0"), ("avg", None), ("min", None), ("peak", None)],
)
def test_compared_with_a_window_without_samples(
    client: Client, storage: Storage, func: str, before: str | None
) -> None:
    """Of nothing a sum is 0, and there is no least and no mean."""
    keep_all(storage, told("cpu", (0, 1)))
    (found,) = client.rows(url(PATH, **JUNE, func=func, compare="previous"))["rows"]

    assert found["previous"] == before


def test_what_has_expired(client: Client, storage: Storage) -> None:
    """Rows of meters that have lost samples of the window say so: no bill is made of them."""
    keep_all(storage, told("calls", (-86_400, 5), (0, 3)), told("cpu", (0, 1)))
    storage.retire(Horizons(meters={"calls": after_noon(-3_600)}))
    list(storage.purge(storage.horizons()))

    def qualities(**asked: object) -> dict[str, str]:
        found = client.rows(url(PATH, **asked))["rows"]
        return {one["meter"]: one["quality"] for one in found}

    assert qualities(**JUNE) == {"cpu": "final", "calls": "expired"}
    begins_there = f"{after_noon(-3_600).isoformat()[:16]}/2015-07-01T00:00"
    assert qualities(window=begins_there) == {"cpu": "final", "calls": "final"}
    asked = {"start": "2015-06-01", "end": "2015-07-01"}
    (found,) = client.rows(url("/v2/meters/calls/segments", by="type", **asked))
    assert found["detail"]["quality"] == "expired"
    (found,) = client.rows(
        url("/v2/meters/calls/statistics", **asked, **{"aggregate.func": "increase"})
    )
    assert found["detail"]["quality"] == "expired"


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        ("sum", ("sum", "6", "C")),
        ("integral/day", ("integral/day", "0.25", "C-Days")),
        ("cardinality/resource_id", ("cardinality/resource_id", "1", None)),
        ("count", ("count", "1", None)),
        ("avg", ("avg", "6", "C")),
    ],
)
def test_other_figures(
    client: Client, storage: Storage, func: str, expected: tuple[str, str, str | None]
) -> None:
    """Any figure of statistics, its parameter after a slash."""
    keep_all(storage, told("cpu", (0, 6)))
    (found,) = client.rows(url(PATH, **JUNE, func=func))["rows"]

    assert (found["func"], found["quantity"], found["unit"]) == expected
    assert found["type"] is None


def test_types_are_apart(client: Client, storage: Storage) -> None:
    """Usage of one name has a row for each type, and says which; a sum puts them together."""
    keep_all(
        storage,
        told("calls", (0, 1), (60, 1)),
        told("calls", (0, 5), (60, 9), type=MeterType.CUMULATIVE),
    )
    found = client.rows(url(PATH, **JUNE))["rows"]
    assert [("cumulative", "4"), ("delta", "2")] == [
        (one["type"], one["quantity"]) for one in found
    ]
    (whole,) = client.rows(url(PATH, **JUNE, func="sum"))["rows"]
    assert (None, "16") == (whole["type"], whole["quantity"])


def test_days_of_a_zone(client: Client, storage: Storage) -> None:
    """Bounds are those of its clocks, and so are bounds without an offset."""
    keep_all(storage, told("calls", (11.5 * 3600, 1), (12.5 * 3600, 2)))
    berlin = {"tz": "Europe/Berlin"}

    assert quantities(client, window="2015-06-02", **berlin) == {"calls": "3"}
    assert quantities(client, window="2015-06-02") == {"calls": "2"}
    bounds = "2015-06-02T01:00/2015-06-02T02:00"
    assert quantities(client, window=bounds, **berlin) == {"calls": "1"}
    assert client.rows(url(PATH, window="2026-10", **berlin))["window"]["hours"] == "745"


def test_a_member_sees_the_own_usage(proxied: Client, storage: Storage) -> None:
    """And nobody else's."""
    keep_all(
        storage, told("calls", (0, 1)), told("calls", (1, 2), project_id="p-2", source="other")
    )
    member = proxied.acting(project="p-1", user="u-1", roles="member")

    assert quantities(member, **JUNE) == {"calls": "1"}
    assert_fault(member.get(url(PATH, ("project", "eq", "p-2"), **JUNE)), 401)
    assert_fault(member.get(url(PATH, explain=1, **JUNE)), 403)


def test_tables_and_lines(client: Client, storage: Storage) -> None:
    """The rows, without what is around them."""
    keep_all(storage, told("calls", (0, 1)))
    path = url(PATH, **JUNE, groupby="project_id")

    assert client.get(path, headers={"Accept": "text/csv"}).text == (
        "groupby.project_id,meter,type,func,quantity,unit,previous,quality\r\n"
        "p-1,calls,delta,usage,1,C,,final\r\n"
    )
    line = client.get(path, headers={"Accept": "application/x-ndjson"}).text
    assert line.startswith('{"groupby":{"project_id":"p-1"},"meter":"calls"')


def test_the_effort(client: Client, storage: Storage) -> None:
    """What was read, for administrators."""
    keep_all(storage, told("calls", (0, 1), (1, 1)))
    answer = client.get(url(PATH, explain=1, **JUNE))

    assert answer.headers["Metering-Effort"] == "tracks=1, pieces=0, samples=2"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"window": "week"}, "window"),
        ({"window": ""}, "window"),
        ({"window": "2015-13"}, "window"),
        ({"window": "2015-6"}, "window"),
        ({"window": "2015-02-29"}, "window"),
        ({"window": "a/b"}, "window"),
        ({"window": "2015-06-02/2015-06-01"}, "window"),
        ({"window": "2015-06-01/2015-06-02/2015-06-03"}, "window"),
        ({"window": "0001-01", "compare": "previous"}, "window"),
        ({"window": "9999-12"}, "window"),
        ({"tz": "Berlin"}, "tz"),
        ({"compare": "next"}, "compare"),
        ({"func": "median"}, "median"),
        ({"func": "sum/hour"}, "sum.hour"),
        ({"func": "cardinality"}, "cardinality"),
        ({"max_gap": "x"}, "max_gap"),
        ({"groupby": "volume"}, "groupby"),
        ({"meter": [f"m{number}" for number in range(201)]}, "meter"),
        ({"q.field": "timestamp", "q.value": "2015-06-01"}, "timestamp"),
        ({"q.field": "volume", "q.value": "1"}, "volume"),
    ],
)
def test_refused(client: Client, asked: dict[str, Any], field: str) -> None:
    """Each fault is named."""
    assert_fault(client.get(url(PATH, **asked)), 400, field)
