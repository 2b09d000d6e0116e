"""GET /v2/meters/{meter}/segments."""

import csv
import io
import json
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from api.client import CSV, NDJSON, Client, assert_fault, keep, url
from builders import after_noon

from metering.api.app import make_app
from metering.config import load
from metering.model import MeterType
from metering.storage.base import Storage

SEGMENTS = "/v2/meters/cpu/segments"
DAY = {"start": "2015-06-01", "end": "2015-06-02", "max_gap": "none"}
BY_FLAVOR = DAY | {"by": "metadata.flavor"}
SMALL, LARGE = {"metadata": {"flavor": "small"}}, {"metadata": {"flavor": "large"}}


@pytest.fixture
def resized(storage: Storage) -> Storage:
    """A resource that was small, large for an hour, and small again; and another one."""
    keep(
        storage,
        {"timestamp": after_noon(-3600), "volume": "1.50", **SMALL},
        {"volume": 4, **LARGE},
        {"timestamp": after_noon(3600), "volume": "1.5", **SMALL},
        {"timestamp": after_noon(7200), "volume": "1.5"},
        {"timestamp": after_noon(7200), "resource_id": "vm-2", **SMALL},
    )
    return storage


def spans(rows: Any) -> list[tuple[Any, ...]]:
    """What rows say of values and of time."""
    return [
        (row["resource_id"], row["segment"], *row["by"].values(), row["start"], row["end"])
        for row in rows
    ]


def test_every_field(client: Client, resized: Storage) -> None:
    """Decimals are text, instants have a Z, ends are ids."""
    assert client.rows(url(SEGMENTS, **BY_FLAVOR))[2] == {
        "resource_id": "vm-1",
        "source": "openstack",
        "type": "gauge",
        "segment": 3,
        "by": {"metadata.flavor": "small"},
        "start": "2015-06-01T13:00:00Z",
        "end": "2015-06-02T00:00:00Z",
        "duration": "39600",
        "unit": "core",
        "count": 2,
        "sum": "3",
        "min": "1.5",
        "max": "1.5",
        "usage": "16.5",
        "first_sample": "s-3",
        "last_sample": "s-4",
        "detail": {
            "unit": "core-Hours",
            "measured": None,
            "interpolated": None,
            "resets": None,
            "unit_seconds": "59400",
            "observed_seconds": "39600",
            "quality": "final",
        },
    }


def test_back_and_forth(client: Client, resized: Storage) -> None:
    """A, B, A is three rows; with merge=values two, which show their ranges."""
    small = [("2015-06-01T11:00:00Z", "2015-06-01T12:00:00Z")]
    large = [("2015-06-01T12:00:00Z", "2015-06-01T13:00:00Z")]
    again = [("2015-06-01T13:00:00Z", "2015-06-02T00:00:00Z")]
    rows = client.rows(url(SEGMENTS, **BY_FLAVOR))
    assert spans(rows) == [
        ("vm-1", 1, "small", *small[0]),
        ("vm-1", 2, "large", *large[0]),
        ("vm-1", 3, "small", *again[0]),
        ("vm-2", 1, "small", "2015-06-01T14:00:00Z", "2015-06-02T00:00:00Z"),
    ]
    assert not any("ranges" in row for row in rows)

    merged = client.rows(url(SEGMENTS, **BY_FLAVOR, merge="values"))
    assert [(row["by"]["metadata.flavor"], row["usage"], row["duration"]) for row in merged] == [
        ("small", "18", "43200"),
        ("large", "4", "3600"),
        ("small", "10", "36000"),
    ]
    assert merged[0]["ranges"] == [{"start": start, "end": end} for start, end in [*small, *again]]
    assert (merged[0]["start"], merged[0]["end"]) == (small[0][0], again[0][1])
    assert (merged[0]["first_sample"], merged[0]["last_sample"]) == ("s-1", "s-4")
    assert client.rows(url(SEGMENTS, **BY_FLAVOR, merge="ranges")) == rows


def test_segments_add_up_to_usage(client: Client, resized: Storage) -> None:
    """To what statistics say of the same range."""
    rows = client.rows(url(SEGMENTS, **BY_FLAVOR))
    (whole,) = client.rows(
        url("/v2/meters/cpu/statistics", **DAY, aggregate__func=["usage", "sum", "count"])
    )

    assert float(whole["aggregate"]["usage"]) == sum(float(row["usage"]) for row in rows)
    assert float(whole["aggregate"]["sum"]) == sum(float(row["sum"]) for row in rows)
    assert whole["aggregate"]["count"] == sum(row["count"] for row in rows)


def test_absent(client: Client, resized: Storage) -> None:
    """A key that is left out is carried on, or null."""
    carried = client.rows(url(SEGMENTS, **BY_FLAVOR, absent="carry"))
    assert carried == client.rows(url(SEGMENTS, **BY_FLAVOR))
    rows = client.rows(url(SEGMENTS, **BY_FLAVOR, absent="null"))
    assert [row["by"]["metadata.flavor"] for row in rows] == ["small", "large", "small", None,
                                                              "small"]  # fmt: skip


def test_several_fields(client: Client, resized: Storage) -> None:
    """By each, once, under the name that it was given."""
    several = ["resource_metadata.flavor", "unit", "project_id", "unit"]
    rows = client.rows(url(SEGMENTS, **DAY, by=several))
    assert rows[0]["by"] == {
        "resource_metadata.flavor": "small", "unit": "core", "project_id": "p-1"
    }  # fmt: skip


def test_time(client: Client, resized: Storage) -> None:
    """Bounds are local to tz; those of q count too; without any it is the whole history."""
    local = {"start": "2015-06-01T14:00", "end": "2015-06-01T14:30", "tz": "Europe/Berlin"}
    rows = client.rows(url(SEGMENTS, by="metadata.flavor", **local))
    assert spans(rows) == [("vm-1", 1, "large", "2015-06-01T12:00:00Z", "2015-06-01T12:30:00Z")]
    in_q = [("timestamp", "lt", "2015-06-01T12:15")]
    rows = client.rows(url(SEGMENTS, *in_q, by="metadata.flavor", **local))
    assert rows[0]["end"] == "2015-06-01T12:15:00Z"
    rows = client.rows(url(SEGMENTS, by="metadata.flavor"))
    assert rows[2]["end"] == "2015-06-01T15:00:00Z"
    assert rows[2]["detail"]["quality"] == "provisional"
    rows = client.rows(url(SEGMENTS, by="metadata.flavor", max_gap="60.5"))
    assert rows[2]["end"] == "2015-06-01T14:01:00.500Z"
    assert client.rows(url(SEGMENTS, by="unit", start="2015-06-02", end="2015-06-01")) == []


def test_types_of_meters(client: Client, storage: Storage) -> None:
    """Usage is that of the type; one resource may have several, each a stream of its own."""
    keep(
        storage,
        *(
            {"id": f"{kind}{at}", "type": kind, "timestamp": after_noon(at), "volume": 10 + at}
            for kind in MeterType
            for at in (0, 60)
        ),
    )
    rows = client.rows(url(SEGMENTS, by="unit", end="2015-06-02", start="2015-06-01"))

    assert [(row["usage"], row["detail"]["unit"], row["end"]) for row in rows] == [
        ("60", "core", "2015-06-01T13:01:00Z"),
        ("80", "core", "2015-06-01T13:01:00Z"),
        ("70.166666666667", "core-Hours", "2015-06-01T13:01:00Z"),
    ]
    assert [row["type"] for row in rows] == ["cumulative", "delta", "gauge"]
    assert [row["detail"]["quality"] for row in rows] == ["provisional", "final", "final"]
    rows = client.rows(url(SEGMENTS, ("type", "eq", "cumulative"), by="unit", first="zero"))
    assert rows[0]["usage"] == "70"


def test_q_asks_of_descriptions(client: Client, resized: Storage) -> None:
    """What does not match is left out, and what it told is carried on nevertheless."""
    of_flavor = ("metadata.flavor", "ne", "large")
    rows = client.rows(url(SEGMENTS, of_flavor, ("resource", "eq", "vm-1"), **BY_FLAVOR))
    assert [row["start"][11:13] for row in rows] == ["11", "13"]
    omitted = ("metadata.flavor", "eq", "None")
    rows = client.rows(url(SEGMENTS, omitted, **BY_FLAVOR))
    assert spans(rows) == [("vm-1", 1, "small", "2015-06-01T14:00:00Z", "2015-06-02T00:00:00Z")]


@pytest.mark.parametrize("more", [{}, {"merge": "values"}, {"absent": "null"}])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages(client: Client, resized: Storage, limit: int, more: dict[str, str]) -> None:
    """However long, together they are the list."""
    keep(
        resized,
        {"id": "a", "source": "other", "timestamp": after_noon(9), **SMALL},
        {"id": "b", "source": "other", "timestamp": after_noon(9), "volume": 2, **LARGE},
        {"id": "c", "source": "other", "timestamp": after_noon(9), "volume": 3, **SMALL},
    )
    whole = client.rows(url(SEGMENTS, **BY_FLAVOR, **more))
    found: list[Any] = []
    following: str | None = url(SEGMENTS, **BY_FLAVOR, **more, limit=limit)
    while following:
        response = client.get(following)
        assert len(response.json) <= limit
        found += response.json
        link = response.headers.get("Link")
        following = link and link[1 : link.index(">")]

    assert found == whole
    for one, other in pairwise(whole):
        assert one["resource_id"] <= other["resource_id"]


def test_lines_and_tables(client: Client, resized: Storage) -> None:
    """The rows of JSON, in lines, and as a table whose columns are paths."""
    asked = url(SEGMENTS, **BY_FLAVOR)
    rows = client.rows(asked)
    lines = client.get(asked, headers={"Accept": NDJSON})
    assert [json.loads(line) for line in lines.text.splitlines()] == rows

    table = client.get(asked, headers={"Accept": CSV}).text
    columns = table.splitlines()[0].split(",")
    assert columns == [
        *("resource_id", "source", "type", "segment", "by.metadata.flavor", "start", "end"),
        *("duration", "unit", "count", "sum", "min", "max", "usage", "first_sample", "last_sample"),
        *(f"detail.{name}" for name in rows[0]["detail"]),
    ]
    first = next(csv.DictReader(io.StringIO(table)))
    assert (first["by.metadata.flavor"], first["usage"], first["sum"]) == ("small", "1.5", "1.5")
    merged = client.get(url(SEGMENTS, **BY_FLAVOR, merge="values"), headers={"Accept": CSV}).text
    assert "ranges" in merged.splitlines()[0].split(",")
    few = client.get(url(SEGMENTS, **BY_FLAVOR, limit=2), headers={"Accept": NDJSON})
    assert len(few.text.splitlines()) == 2


def test_many_rows(client: Client, storage: Storage) -> None:
    """Lines have no end but that of the rows; their ids are looked up some at a time."""
    count = 1100
    keep(
        storage,
        *(
            {"timestamp": after_noon(at), "metadata": {"flavor": str(at % 2)}}
            for at in range(count)
        ),
    )
    lines = client.get(url(SEGMENTS, **BY_FLAVOR), headers={"Accept": NDJSON}).text.splitlines()
    assert [json.loads(line)["first_sample"] for line in lines] == [
        f"s-{place}" for place in range(1, count + 1)
    ]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "by"),
        ({"by": "volume"}, "by"),
        ({"by": ["unit"] * 9 + [f"metadata.{one}" for one in "abcdefgh"]}, "at most 8 by fields"),
        ({"by": "unit", "merge": "all"}, "merge"),
        ({"by": "unit", "absent": "drop"}, "absent"),
        ({"by": "unit", "max_gap": "long"}, "max_gap"),
        ({"by": "unit", "first": "1"}, "first"),
        ({"by": "unit", "start": "soon"}, "start"),
        ({"by": "unit", "tz": "Nowhere"}, "tz"),
        ({"by": "unit", "limit": "0"}, "Limit"),
        ({"by": "unit", "q.field": "id", "q.value": "s-1"}, "of id only samples"),
        ({"by": "unit", "q.field": "timestamp", "q.op": "ne", "q.value": "2015"}, "of timestamp"),
    ],
)
def test_refused(client: Client, asked: dict[str, Any], words: str) -> None:
    """Each error names what is wrong."""
    assert_fault(client.get(url(SEGMENTS, **asked)), 400, words)


def test_a_rule_of_its_own(storage: Storage, tmp_path: Path) -> None:
    """Segments can be forbidden by themselves."""
    policy, file = tmp_path / "policy.yaml", tmp_path / "metering.conf"
    policy.write_text('"telemetry:get_segments": "role:admin"\n', encoding="utf-8")
    options = f"[api]\nauth = headers\n[oslo_policy]\npolicy_file = {policy}\n"
    file.write_text(options, encoding="utf-8")
    client = Client(make_app(load(str(file)), storage))
    member = client.acting(project="p-1", roles="member")

    assert member.get(f"{SEGMENTS}?by=unit").status_int == HTTPStatus.FORBIDDEN
    assert client.acting(roles="admin").rows(f"{SEGMENTS}?by=unit") == []


def test_a_resource_changes_hands(proxied: Client, storage: Storage) -> None:
    """A member sees intervals of its own descriptions; the last ends where the next owner's began.

    Whatever that one's volumes and metadata are.
    """
    answers = []
    for volume, flavor in ((5, "large"), (999, "small")):
        keep(
            storage,
            {"id": f"{volume}1", "meter": f"m{volume}", "volume": 2, **SMALL},
            {
                "id": f"{volume}2",
                "meter": f"m{volume}",
                "timestamp": after_noon(60),
                "volume": volume,
                "project_id": "p-2",
                "metadata": {"flavor": flavor},
            },
            {"id": f"{volume}3", "meter": f"m{volume}", "timestamp": after_noon(120), "volume": 3},
        )
        member = proxied.acting(project="p-1", roles="member")
        rows = member.rows(url(f"/v2/meters/m{volume}/segments", **BY_FLAVOR))
        answers.append([{**row, "first_sample": "", "last_sample": ""} for row in rows])

    assert answers[0] == answers[1]
    assert spans(answers[0]) == [
        ("vm-1", 1, "small", "2015-06-01T12:00:00Z", "2015-06-01T12:01:00Z"),
        ("vm-1", 2, "small", "2015-06-01T12:02:00Z", "2015-06-02T00:00:00Z"),
    ]
    everybody = proxied.acting(roles="admin").rows(
        url("/v2/meters/m5/segments", **DAY, by="project_id")
    )
    assert spans(everybody) == [
        ("vm-1", 1, "p-1", "2015-06-01T12:00:00Z", "2015-06-01T12:01:00Z"),
        ("vm-1", 2, "p-2", "2015-06-01T12:01:00Z", "2015-06-01T12:02:00Z"),
        ("vm-1", 3, "p-1", "2015-06-01T12:02:00Z", "2015-06-02T00:00:00Z"),
    ]
    response = proxied.acting(project="p-1", roles="member").get(
        url(SEGMENTS, ("project", "eq", "p-2"), **BY_FLAVOR)
    )
    assert_fault(response, 401, "p-2")
