"""CSV: the paths of JSON as columns, and nothing that a spreadsheet would run."""

import csv
import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from api.client import CSV, Client, keep, url
from builders import after_noon

from metering.storage.base import Storage

ACCEPT = {"Accept": CSV}
STATISTICS = "/v2/meters/cpu/statistics"
FIXED = ["duration", "duration_start", "duration_end", "period", "period_start", "period_end"]


def table(response: Any) -> list[dict[str, str]]:
    """The rows of an answer that must succeed, in which all lines are alike."""
    assert 200 == response.status_int, response.text
    assert "text/csv; charset=utf-8; header=present" == response.headers["Content-Type"]
    text = response.body.decode()
    assert text.endswith("\r\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert len(set(header)) == len(header)
    return [dict(zip(header, row, strict=True)) for row in rows]


def header(response: Any) -> list[str]:
    """The columns."""
    line: str = response.text.partition("\r\n")[0]
    return line.split(",")


def paths(value: Any, path: str = "") -> dict[str, Any]:
    """What JSON holds, by path; null is an empty text."""
    if not isinstance(value, dict):
        return {path: "" if value is None else "true" if value is True else str(value)}
    return {
        name: one
        for key, inner in value.items()
        for name, one in paths(inner, f"{path}.{key}" if path else key).items()
    }


@pytest.mark.parametrize("path", ["/v2/samples", "/v2/meters/cpu"])
def test_samples_are_those_of_json(client: Client, storage: Storage, path: str) -> None:
    """A column for each field, as JSON has it; metadata are one, in JSON."""
    keep(
        storage,
        {"metadata": {"a": {"b": 'ü, "x"\n'}}, "user_id": None},
        {"volume": "-0.10", "resource_id": 'a,"b"\'', "meter": "cpu"},
    )
    name = "metadata" if path == "/v2/samples" else "resource_metadata"

    found = table(client.get(path, headers=ACCEPT))

    expected = client.rows(path)
    assert [one.pop(name) for one in expected] == [json.loads(one.pop(name)) for one in found]
    assert [paths(one) for one in expected] == found
    assert "" in {row["user_id"] for row in found}


@pytest.mark.parametrize("queried", [False, True])
def test_there_is_a_header_without_rows(client: Client, queried: bool) -> None:
    """Columns are known before the first row."""
    path = "/v2/query/samples" if queried else "/v2/samples"
    response = client.request("POST" if queried else "GET", path, "{}", headers=ACCEPT)

    assert response.text.startswith("id,meter,type,unit,volume,user_id,")
    assert [] == table(response)


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "groupby=project_id",
        "groupby=metadata.a.b&groupby=user_id&period=2",
        "groupby=metadata.%3Dx&aggregate.func=sum",
        "aggregate.func=stddev&aggregate.func=cardinality&aggregate.param=&aggregate.param=user_id",
        "aggregate.func=max&aggregate.func=count&aggregate.func=max",
        "aggregate.func=usage&aggregate.func=integral&aggregate.param=&aggregate.param=day&max_gap=1",
        "start=2015-06-01&end=2015-06-02T12:00&interval=day&tz=Asia/Kathmandu&fill=null",
    ],
)
def test_statistics_are_those_of_json(client: Client, storage: Storage, asked: str) -> None:
    """The columns are the paths that JSON has, of groups and figures too; null is empty."""
    keep(
        storage,
        {"metadata": {"a": {"b": "x"}, "=x": "y"}},
        {"volume": "0.125", "user_id": None, "timestamp": after_noon(3)},
        {"volume": "-7", "user_id": "u-2", "timestamp": after_noon(4)},
    )
    path = f"{STATISTICS}?{asked}"
    response = client.get(path, headers=ACCEPT)
    expected = client.rows(path)
    for row in expected:
        row.update(groupby=row["groupby"] or {})

    columns = dict.fromkeys(name for row in expected for name in paths(row))
    assert {*columns} == {*header(response)}
    nothing = dict.fromkeys(columns, "")
    assert [nothing | paths(row) for row in expected] == table(response)


def test_columns_follow_from_the_question(client: Client) -> None:
    """They are the same where nothing was found."""
    path = f"{STATISTICS}?groupby=project_id&groupby=metadata.a.b&aggregate.func="

    assert [
        *("groupby.project_id", "groupby.metadata.a.b", "unit", "max", *FIXED, "aggregate.max")
    ] == header(client.get(f"{path}max", headers=ACCEPT))
    assert ["unit", "min", "max", "avg", "sum", "count", *FIXED] == header(
        client.get(STATISTICS, headers=ACCEPT)
    )
    calendar = "start=2015-01-01&end=2015-02-03&interval=month&tz=Europe/Berlin"
    detail = [
        "unit",
        "measured",
        "interpolated",
        "resets",
        "unit_seconds",
        "observed_seconds",
        "quality",
    ]
    assert [
        *("unit", *FIXED, "period_start_local", "period_end_local", "partial"),
        *("aggregate.usage", *(f"detail.{one}" for one in detail)),
    ] == header(client.get(f"{STATISTICS}?{calendar}&aggregate.func=usage", headers=ACCEPT))


DANGEROUS = [
    "=1+2",
    "+1",
    "-1",
    "@SUM(A1)",
    " =1",
    "\u00a0=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "\ufe661",
]
HARMLESS = ["a=1", "1-2", "'=1", "plain", "ü", '"=1"', "", "a@b", "\u22121"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_no_text_is_a_formula(client: Client, storage: Storage, text: str) -> None:
    """An apostrophe keeps it a text, in groups too; JSON has it as it is."""
    keep(storage, {"resource_id": text, "unit": text, "metadata": {"a": text}})

    (row,) = table(client.get("/v2/samples", headers=ACCEPT))
    (group,) = table(client.get(f"{STATISTICS}?groupby=metadata.a", headers=ACCEPT))

    assert [f"'{text}"] * 4 == [
        *(row["resource_id"], row["unit"], group["unit"], group["groupby.metadata.a"])
    ]
    assert {"a": text} == json.loads(row["metadata"])
    assert [text] == [one["resource_id"] for one in client.rows("/v2/samples")]


@pytest.mark.parametrize("text", ["\t=1", "\tx", "\rx", "\nx"])
def test_controls_before_a_text_hide_nothing(client: Client, storage: Storage, text: str) -> None:
    """What a program may skip at the beginning does not."""
    keep(storage, {"metadata": {"a": text}})

    (row,) = table(client.get(f"{STATISTICS}?groupby=metadata.a", headers=ACCEPT))

    assert f"'{text}" == row["groupby.metadata.a"]


@pytest.mark.parametrize("text", HARMLESS)
def test_other_text_is_as_it_is(client: Client, storage: Storage, text: str) -> None:
    """Nothing is added to what is none."""
    keep(storage, {"unit": text})

    (row,) = table(client.get("/v2/samples", headers=ACCEPT))

    assert text == row["unit"]


def test_numbers_stay_numbers(client: Client, storage: Storage) -> None:
    """By their type: a negative volume has no apostrophe, a text that looks like it has one."""
    keep(storage, {"volume": "-1.50", "unit": "-1.50"}, {"volume": "-2e5", "unit": "B"})

    rows = table(client.get(url("/v2/samples", ("unit", "eq", "-1.50")), headers=ACCEPT))
    assert [("-1.50", "'-1.50")] == [(row["volume"], row["unit"]) for row in rows]
    figures = table(client.get(f"{STATISTICS}?{urlencode({'groupby': 'unit'})}", headers=ACCEPT))
    assert ["-1.5", "-200000.0"] == [row["min"] for row in figures]


def test_a_broken_line_inside_a_cell_is_quoted(client: Client, storage: Storage) -> None:
    """Whatever ends a line, in RFC 4180 or elsewhere."""
    text = 'a\r\nb\nc\rd,e"f'
    keep(storage, {"metadata": {"a": text}})

    (row,) = table(client.get(f"{STATISTICS}?groupby=metadata.a", headers=ACCEPT))

    assert text == row["groupby.metadata.a"]
