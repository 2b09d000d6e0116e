"""Statistics by the calendar: `start`, `end`, `tz`, `interval`, `week_start`, `anchor`, `fill`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from api.client import Client, assert_fault, keep, url
from api.conftest import Serve
from builders import after_noon

from metering.storage.base import Storage

PATH = "/v2/meters/cpu/statistics"
DAY = {"start": "2015-06-01", "end": "2015-06-02"}
BERLIN = {"tz": "Europe/Berlin"}


def at(text: str, volume: object = 1, **changes: object) -> dict[str, object]:
    """A sample at that time, UTC if it has no offset."""
    instant = datetime.fromisoformat(text)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return {"timestamp": instant.astimezone(UTC), "volume": volume} | changes


def asked(client: Client, *conditions: tuple[str, ...], **parameters: object) -> Any:
    """The rows."""
    return client.rows(url(PATH, *conditions, **parameters))


def windows(rows: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Local begin, length in seconds, sum and whether it was cut, of each row."""
    return [
        (row["period_start_local"], row["period"], row["sum"], row.get("partial", False))
        for row in rows
    ]


def test_without_them_the_answer_is_as_ever(client: Client, storage: Storage) -> None:
    """To the byte."""
    keep(storage, {"timestamp": after_noon(0)}, {"timestamp": after_noon(1.5), "volume": "0.10"})
    row = (
        '{"groupby":null,"unit":"core","min":0.1,"max":1.0,"avg":0.55,"sum":1.1,"count":2,'
        '"duration":1.5,"duration_start":"2015-06-01T12:00:00",'
        '"duration_end":"2015-06-01T12:00:01.500000","period":%s'
    )
    begin, end = '"period_start":"2015-06-01T12:00:00"', '"period_end":"2015-06-01T'

    assert f"[{row % 0},{begin},{end}12:00:01.500000" + '"}]' == client.get(PATH).text
    assert f"[{row % 3600},{begin},{end}13:00:00" + '"}]' == client.get(f"{PATH}?period=3600").text


# --- start and end


@pytest.mark.parametrize("parameters", [{}, {"period": 7}, {"groupby": "user_id"}])
def test_start_and_end_are_bounds_of_q(
    client: Client, storage: Storage, parameters: dict[str, object]
) -> None:
    """The answer is that of timestamp ge and lt, to the byte."""
    keep(storage, *({"timestamp": after_noon(number)} for number in range(20)))
    start, end = "2015-06-01T12:00:05", "2015-06-01T12:00:15"
    bounds = [("timestamp", "ge", start), ("timestamp", "lt", end)]
    by_q = client.get(url(PATH, *bounds, **parameters)).text

    assert '"count":10' in by_q or parameters == {"period": 7}
    assert by_q == client.get(url(PATH, start=start, end=end, **parameters)).text


def test_bounds_are_and_ed_with_those_of_q(client: Client, storage: Storage) -> None:
    """The later start and the earlier end count, whoever names it."""
    keep(storage, *({"timestamp": after_noon(number)} for number in range(20)))
    start, end = "2015-06-01T12:00:05", "2015-06-01T12:00:15"
    later, earlier = ("timestamp", "gt", "2015-06-01T12:00:09"), ("timestamp", "le", start)

    assert [5] == [row["count"] for row in asked(client, later, start=start, end=end)]
    assert [1] == [row["count"] for row in asked(client, earlier, start=start, end=end)]
    (row,) = asked(client, later, start=start, end=end, period=60)
    assert ("2015-06-01T12:00:09", 4) == (row["period_start"], row["duration"])


def test_search_offset_widens_the_bounds_of_q_only(client: Client, storage: Storage) -> None:
    """What is outside of start and end stays there."""
    keep(storage, *({"timestamp": after_noon(60 * number)} for number in range(20)))
    wide = [("timestamp", "ge", "2015-06-01T12:10"), ("search_offset", "eq", "5")]

    assert [15, 12] == [
        asked(client, *wide, start=f"2015-06-01T12:0{minute}")[0]["count"] for minute in (0, 8)
    ]
    assert_fault(client.get(url(PATH, wide[1], start="2015-06-01")), 400, "search_offset")


@pytest.mark.parametrize(
    ("start", "tz", "expected"),
    [
        ("2026-07-01", None, "2026-07-01T00:00:00"),
        ("2026-07-01", "UTC", "2026-07-01T00:00:00"),
        ("2026-07-01", "Europe/Berlin", "2026-06-30T22:00:00"),
        ("2026-01-01T00:00", "America/New_York", "2026-01-01T05:00:00"),
        ("2026-07-01T00:00:00Z", "Europe/Berlin", "2026-07-01T00:00:00"),
        ("2026-07-01T00:00:00-04:00", "Europe/Berlin", "2026-07-01T04:00:00"),
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00:00"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00"),
        ("2017-10-15", "America/Sao_Paulo", "2017-10-15T03:00:00"),
    ],
)
def test_bounds_are_local(
    client: Client, storage: Storage, start: str, tz: str | None, expected: str
) -> None:
    """By the clocks of `tz`; one that is skipped is the first instant after, of two the first."""
    instant = datetime.fromisoformat(expected).replace(tzinfo=UTC)
    keep(storage, {"timestamp": instant}, {"timestamp": instant - timedelta(milliseconds=1)})
    zone = {} if tz is None else {"tz": tz}

    assert [1] == [row["count"] for row in asked(client, start=start, **zone)]
    assert [1] == [row["count"] for row in asked(client, end=start, **zone)]


@pytest.mark.parametrize("end", ["2015-06-01", "2015-05-01"])
@pytest.mark.parametrize("more", [{}, {"interval": "day"}, {"interval": "hour", "fill": "0"}])
def test_empty_range(client: Client, storage: Storage, end: str, more: dict[str, str]) -> None:
    """It has no rows."""
    keep(storage, {})

    assert [] == asked(client, start="2015-06-01", end=end, **more)


# --- windows


def test_months_of_berlin(client: Client, storage: Storage) -> None:
    """As long as they were: 743, 745 and 720 hours."""
    keep(
        storage,
        at("2026-02-28T22:59:59.999", 1),
        at("2026-02-28T23:00", 2),
        at("2026-03-31T21:59:59.999", 4),
        at("2026-03-31T22:00", 8),
        at("2026-10-31T22:59:59.999", 16),
        at("2026-10-31T23:00", 32),
    )
    rows = asked(client, start="2026-01-01", end="2027-01-01", interval="month", **BERLIN)

    assert [
        ("2026-02-01T00:00:00+01:00", 672 * 3600, 1, False),
        ("2026-03-01T00:00:00+01:00", 743 * 3600, 6, False),
        ("2026-04-01T00:00:00+02:00", 720 * 3600, 8, False),
        ("2026-10-01T00:00:00+02:00", 745 * 3600, 16, False),
        ("2026-11-01T00:00:00+01:00", 720 * 3600, 32, False),
    ] == windows(rows)


def test_fields_of_a_row(client: Client, storage: Storage) -> None:
    """Those of v2, local bounds, and `partial` where a window was cut."""
    keep(storage, at("2026-10-25T00:30", 3))
    rows = asked(client, start="2026-10-24T12:00", end="2026-10-26", interval="day", **BERLIN)
    expected = {
        "groupby": None,
        "unit": "core",
        "min": 3,
        "max": 3,
        "avg": 3,
        "sum": 3,
        "count": 1,
        "duration": 0,
        "duration_start": "2026-10-25T00:30:00",
        "duration_end": "2026-10-25T00:30:00",
        "period": 90000,
        "period_start": "2026-10-24T22:00:00",
        "period_end": "2026-10-25T23:00:00",
        "period_start_local": "2026-10-25T00:00:00+02:00",
        "period_end_local": "2026-10-26T00:00:00+01:00",
    }

    assert [(expected, list(expected))] == [(row, list(row)) for row in rows]


def test_cut_windows(client: Client, storage: Storage) -> None:
    """The first and last window end at the range, and say that they are not whole."""
    keep(storage, at("2026-10-01T12:00"), at("2026-10-02T12:00", 2), at("2026-10-03T02:00", 4))
    rows = asked(
        client, start="2026-10-01T06:00", end="2026-10-03T02:00:00.001", interval="day", tz="UTC"
    )

    assert [
        ("2026-10-01T06:00:00+00:00", 18 * 3600, 1, True),
        ("2026-10-02T00:00:00+00:00", 24 * 3600, 2, False),
        ("2026-10-03T00:00:00+00:00", Decimal("7200.001"), 4, True),
    ] == windows(rows)
    assert "2026-10-03T02:00:00.001000+00:00" == rows[-1]["period_end_local"]


def test_windows_are_cut_by_q_too(client: Client, storage: Storage) -> None:
    """The range is what start, end and q leave."""
    keep(storage, at("2026-10-02T12:00"))
    tight = ("timestamp", "ge", "2026-10-02T06:00")
    rows = asked(client, tight, start="2026-10-01", end="2026-10-04", interval="day", tz="UTC")

    assert [("2026-10-02T06:00:00+00:00", 18 * 3600, 1, True)] == windows(rows)


def test_local_time_only_where_a_zone_is_named(client: Client, storage: Storage) -> None:
    """Without `tz` windows are those of UTC, and rows have v2's fields."""
    keep(storage, {})
    (row,) = asked(client, **DAY, interval="month")

    assert ("2015-06-01T00:00:00", "2015-06-02T00:00:00") == (
        row["period_start"],
        row["period_end"],
    )
    assert True is row["partial"]
    assert not [name for name in row if "local" in name]


@pytest.mark.parametrize("parameters", [{}, {"period": 3600}])
def test_local_time_of_other_periods(
    client: Client, storage: Storage, parameters: dict[str, object]
) -> None:
    """With `tz` every period is shown in local time, also one of seconds, or the only one."""
    keep(storage, {}, {"timestamp": after_noon(60)})
    (row,) = asked(client, tz="Asia/Kathmandu", **parameters)

    assert "2015-06-01T17:45:00+05:45" == row["period_start_local"]
    assert row["period_end_local"] in ("2015-06-01T17:46:00+05:45", "2015-06-01T18:45:00+05:45")


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"interval": "week", "week_start": "mon"}, ["10-26", "11-02"]),
        ({"interval": "week", "week_start": "sun"}, ["10-25", "11-01"]),
        ({"interval": "week"}, ["10-26", "11-02"]),
        ({"interval": "day", "week_start": "sun"}, ["10-31", "11-02"]),
        ({"interval": "month"}, ["10-01", "11-01"]),
        ({"interval": "month", "anchor": "2020-02-15"}, ["10-15"]),
        ({"interval": "month", "anchor": "2020-01-31"}, ["10-31"]),
        ({"interval": "month", "anchor": "2027-01-01"}, ["10-01", "11-01"]),
        ({"interval": "quarter"}, ["10-01"]),
        ({"interval": "quarter", "anchor": "2026-11-02"}, ["08-02", "11-02"]),
        ({"interval": "year"}, ["01-01"]),
        ({"interval": "year", "anchor": "2027-11-02"}, ["11-02", "11-02"]),
    ],
)
def test_kinds_of_windows(
    client: Client, storage: Storage, parameters: dict[str, str], expected: list[str]
) -> None:
    """Weeks from Monday or Sunday; months, quarters and years from the anchor."""
    keep(storage, at("2026-10-31T12:00-04:00"), at("2026-11-02T12:00-05:00"))
    year = {"start": "2025-10-01", "end": "2028-01-01", "tz": "America/New_York"}
    rows = asked(client, **year, **parameters)

    assert expected == [row["period_start_local"][5:10] for row in rows]


def test_hours_at_lord_howe(client: Client, storage: Storage) -> None:
    """The hour in which clocks go back by half an hour has 90 minutes."""
    keep(storage, *(at(f"2026-04-04T{time}") for time in ("13:59", "14:00", "15:29", "15:30")))
    zone = {"tz": "Australia/Lord_Howe"}
    rows = asked(client, start="2026-04-05", end="2026-04-05T06:00", interval="hour", **zone)

    assert [
        ("2026-04-05T00:00:00+11:00", 3600, 1, False),
        ("2026-04-05T01:00:00+11:00", 5400, 2, False),
        ("2026-04-05T02:00:00+10:30", 3600, 1, False),
    ] == windows(rows)


def test_windows_add_up(client: Client, storage: Storage) -> None:
    """The sums of the windows are the sum of the range, exactly."""
    keep(storage, *({"timestamp": after_noon(n * 7_001), "volume": f"0.{n}7"} for n in range(90)))
    range_ = {"start": "2015-06-01T19:00", "end": "2015-06-07T03:00", "tz": "Asia/Kathmandu"}
    (whole,) = asked(client, **range_)

    for interval in ("hour", "day", "week", "month", "quarter", "year"):
        rows = asked(client, **range_, interval=interval)
        assert whole["sum"] == sum(row["sum"] for row in rows)
        assert whole["count"] == sum(row["count"] for row in rows)


# --- fill


def test_without_fill_empty_windows_are_left_out(client: Client, storage: Storage) -> None:
    """Only windows with samples have a row, also with fill=none."""
    keep(storage, {})
    plain = asked(client, **DAY, interval="hour")

    assert 1 == len(plain)
    assert plain == asked(client, **DAY, interval="hour", fill="none")


@pytest.mark.parametrize(("fill", "nothing"), [("null", None), ("0", 0)])
def test_fill(client: Client, storage: Storage, fill: str, nothing: object) -> None:
    """A row for each window of each group and unit that appears at all."""
    keep(
        storage,
        at("2015-06-01T01:00", 1),
        at("2015-06-01T01:30", 2, user_id=None, unit="GB"),
        at("2015-06-01T03:00", 4),
    )
    hours = {"start": "2015-06-01T00:30", "end": "2015-06-01T04:00", "interval": "hour"}
    rows = asked(client, **hours, fill=fill, groupby="user_id", tz="UTC")
    empty = {
        "groupby": {"user_id": None},
        "unit": "GB",
        **dict.fromkeys(("min", "max", "avg", "sum"), nothing),
        "count": 0,
        "duration": nothing,
        "duration_start": None,
        "duration_end": None,
        "period": 1800,
        "period_start": "2015-06-01T00:30:00",
        "period_end": "2015-06-01T01:00:00",
        "period_start_local": "2015-06-01T00:30:00+00:00",
        "period_end_local": "2015-06-01T01:00:00+00:00",
        "partial": True,
    }

    assert (empty, list(empty)) == (rows[0], list(rows[0]))
    assert [
        *((f"0{hour}:", None, "GB", 2 if hour == 1 else nothing) for hour in range(4)),
        *((f"0{hour}:", "u-1", "core", {1: 1, 3: 4}.get(hour, nothing)) for hour in range(4)),
    ] == sorted(
        (
            (row["period_start"][11:14], row["groupby"]["user_id"], row["unit"], row["sum"])
            for row in rows
        ),
        key=lambda row: (row[2], row[0]),
    )
    assert [row["period_start"] for row in rows] == sorted(row["period_start"] for row in rows)


@pytest.mark.parametrize(("fill", "nothing"), [("null", None), ("0", 0)])
def test_fill_of_chosen_figures(
    client: Client, storage: Storage, fill: str, nothing: object
) -> None:
    """Every figure is filled, those of `aggregate` too; nothing counts as 0 always."""
    keep(storage, {})
    chosen = {
        "aggregate__func": ["stddev", "cardinality", "count"],
        "aggregate__param": ["", "user_id", ""],
    }
    first, *_ = asked(client, **DAY, interval="hour", fill=fill, **chosen)

    assert {"stddev": nothing, "cardinality/user_id": nothing, "count": 0} == first["aggregate"]
    assert (0, False) == (first["count"], "sum" in first)


@pytest.mark.parametrize("groupby", [[], ["user_id"]])
def test_nothing_to_fill(client: Client, groupby: list[str]) -> None:
    """Without any sample there is neither group nor unit, so no row."""
    assert [] == asked(client, **DAY, interval="hour", fill="0", groupby=groupby)


def test_too_many_rows_to_fill(serve: Serve, storage: Storage) -> None:
    """Rows without samples count as others do."""
    client = serve(max_statistics=10_000)
    keep(storage, *({"resource_id": f"vm-{number}"} for number in range(11)))
    query = {"start": "2015-05-01", "interval": "hour", "groupby": "resource_id", "fill": "0"}

    assert 909 * 11 == len(asked(client, **query, end="2015-06-07T21:00"))
    assert_fault(
        client.get(url(PATH, **query, end="2015-06-07T22:00")), 400, "more than 10000 rows"
    )


def test_fill_as_xml(client: Client, storage: Storage) -> None:
    """Null is nil, a window that was cut says so."""
    keep(storage, {})
    query = {"interval": "hour", "fill": "null", "tz": "UTC", "aggregate__func": "sum"}
    first, *_ = client.tree(url(PATH, **DAY | {"start": "2015-06-01T00:30"}, **query))

    assert ("true", "true") == (first.find("sum").get("nil"), first.findtext("partial"))  # type: ignore[union-attr]
    assert ("1800", "sum", "true") == (
        first.findtext("period"),
        first.findtext("aggregate/item/key"),
        first.find("aggregate/item/value").get("nil"),  # type: ignore[union-attr]
    )


def test_in_a_body(client: Client, storage: Storage) -> None:
    """All of them may come in a JSON body of the GET."""
    keep(storage, at("2026-10-25T12:00"))
    body = """{"start": "2026-10-25", "end": "2026-10-27", "tz": "Europe/Berlin",
        "interval": "day", "week_start": "sun", "fill": "0"}"""

    assert [90000, 86400] == [row["period"] for row in client.rows(PATH, body=body)]


# --- what is refused


ENDS = {"start": "0001-01-01", "end": "9999-12-31T23:59:59.999"}
REFUSED: list[tuple[dict[str, str], str]] = [
    ({"start": "yesterday"}, "start"),
    ({"start": ""}, "start"),
    ({"end": "2015-06-01T24:00"}, "end"),
    ({"end": "0001-01-01T00:00:00+01:00"}, "end"),
    ({"start": "0001-01-01", "tz": "Asia/Kathmandu"}, "start"),
    ({"end": "9999-12-31T23:00", "tz": "America/New_York"}, "end"),
    *(({"tz": name}, "tz") for name in ("", "Nowhere", "utc", "+02:00", "../UTC", "localtime")),
    ({"tz": "/etc/passwd"}, "tz"),
    ({"interval": ""} | DAY, "interval"),
    ({"interval": "minute"} | DAY, "interval"),
    ({"interval": "Day"} | DAY, "interval"),
    ({"interval": "day"}, "start"),
    ({"interval": "day", "start": "2015-06-01"}, "end"),
    ({"interval": "day", "end": "2015-06-01"}, "start"),
    ({"interval": "day", "period": "60"} | DAY, "period"),
    ({"interval": "day", "period": "0"} | DAY, "period"),
    ({"interval": "hour", "start": "2015-01-01", "end": "2017-01-01"}, "10000 windows"),
    ({"interval": "hour"} | ENDS, "10000 windows"),
    ({"interval": "quarter"} | ENDS, "10000 windows"),
    ({"interval": "year"} | ENDS, "interval"),
    ({"interval": "day", "start": "9999-12-31", "end": ENDS["end"]}, "interval"),
    ({"interval": "day", "start": "0001-01-01T00:00Z", "end": "0001-01-02T00:00Z",
      "tz": "America/New_York"}, "interval"),
    ({"interval": "day", "start": "9999-12-30T00:00Z", "end": "9999-12-31T20:00Z",
      "tz": "Asia/Kathmandu"}, "interval"),
    ({"week_start": "mon"}, "week_start"),
    ({"week_start": "tue", "interval": "week"} | DAY, "week_start"),
    ({"week_start": "", "interval": "week"} | DAY, "week_start"),
    ({"anchor": "2015-06-15"}, "anchor"),
    *(({"anchor": "2015-06-15", "interval": name} | DAY, "anchor")
      for name in ("hour", "day", "week")),
    *(({"anchor": text, "interval": "month"} | DAY, "anchor")
      for text in ("", "15", "2015-02-30", "20150615", "2015-06-15T00:00", "0000-01-01",
                   "2015-W23-1", "\u0662015-06-15", "2015-06-15\n")),
    ({"fill": "0"}, "fill"),
    ({"fill": "none"}, "fill"),
    *(({"fill": text, "interval": "day"} | DAY, "fill") for text in ("", "zero", "00", "None")),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "words"), REFUSED)
def test_what_is_refused(
    client: Client, storage: Storage, parameters: dict[str, str], words: str
) -> None:
    """Whatever makes no sense, with the name of what does not."""
    keep(storage, {})

    assert_fault(client.get(url(PATH, **parameters)), 400, words)


def test_local_time_out_of_the_calendar(client: Client, storage: Storage) -> None:
    """A period that no clock of the zone shows."""
    keep(storage, {"timestamp": datetime(9999, 12, 31, 23, tzinfo=UTC)})

    assert 1 == len(client.rows(PATH))
    assert_fault(
        client.get(url(PATH, tz="Asia/Tokyo")), 400, "out of the calendar of tz Asia/Tokyo"
    )


@pytest.mark.parametrize("name", ["start", "end", "tz", "interval", "week_start", "anchor", "fill"])
def test_given_twice(client: Client, name: str) -> None:
    """Each is given once, and is text."""
    assert_fault(client.get(f"{PATH}?{name}=x&{name}=x"), 400, f"{name} was given several times")
    assert_fault(client.get(PATH, body=f'{{"{name}": 0}}'), 400, f"{name} must be text")
