"""GET /v2/meters/{meter}/statistics."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from api.client import Client, assert_fault, keep, url
from builders import after_noon

from metering.model import MeterType
from metering.storage.base import Storage

PATH = "/v2/meters/cpu/statistics"
FIGURES = ("min", "max", "avg", "sum", "count")


def at(seconds: float, volume: object = 1, **changes: object) -> dict[str, object]:
    """A sample so many seconds after noon."""
    return {"timestamp": after_noon(seconds), "volume": volume} | changes


def figures(client: Client, *conditions: tuple[str, ...], **parameters: object) -> list[object]:
    """The sum and count of each row."""
    rows = client.rows(url(PATH, *conditions, **parameters))
    return [(row["sum"], row["count"]) for row in rows]


def starts(client: Client, *conditions: tuple[str, ...], **parameters: object) -> list[str]:
    """The time of day at which the period of each row begins and ends."""
    rows = client.rows(url(PATH, *conditions, **parameters))
    return [f"{row['period_start'][11:]} {row['period_end'][11:]}" for row in rows]


def test_no_samples_no_rows(client: Client) -> None:
    """Without samples there is not even an empty row."""
    assert [] == client.rows(PATH)


def test_fields_of_a_row(client: Client, storage: Storage) -> None:
    """A row has v2's fields, in v2's order."""
    keep(storage, at(0, 1), at(10, 2), at(60, "4.5"))
    expected = {
        "groupby": None,
        "unit": "core",
        "min": 1,
        "max": Decimal("4.5"),
        "avg": Decimal("2.5"),
        "sum": Decimal("7.5"),
        "count": 3,
        "duration": 60,
        "duration_start": "2015-06-01T12:00:00",
        "duration_end": "2015-06-01T12:01:00",
        "period": 0,
        "period_start": "2015-06-01T12:00:00",
        "period_end": "2015-06-01T12:01:00",
    }

    (row,) = client.rows(PATH)

    assert (expected, list(expected)) == (row, list(row))


def test_sums_are_exact(client: Client, storage: Storage) -> None:
    """Ten times 0.1 is 1, and digits far apart are all kept."""
    keep(storage, *(at(number, "0.1") for number in range(10)), at(10, "1e26"), at(11, "1e-26"))

    text = client.get(PATH).text

    assert '"sum":100000000000000000000000001.00000000000000000000000001,' in text


def test_average_has_twenty_digits(client: Client, storage: Storage) -> None:
    """An average that has no end is rounded to twenty digits, half-even."""
    keep(storage, at(0, 1), at(1, 1), at(2, 0))

    assert '"avg":0.66666666666666666667,' in client.get(PATH).text


def test_units_are_never_mixed(client: Client, storage: Storage) -> None:
    """Samples with different units make different rows."""
    keep(storage, at(0, 1, unit="GB"), at(0, 2, unit="B"), at(0, 4, unit="GB"))

    assert [("B", 2), ("GB", 5)] == [(row["unit"], row["sum"]) for row in client.rows(PATH)]


def test_types_are_mixed(client: Client, storage: Storage) -> None:
    """Types of meters are not told apart, as in v2."""
    keep(storage, at(0), at(0, type=MeterType.DELTA), at(0, type=MeterType.CUMULATIVE))

    assert [(3, 3)] == figures(client)


def test_other_meters_do_not_count(client: Client, storage: Storage) -> None:
    """Only the meter in the path is computed."""
    keep(storage, at(0), at(0, meter="CPU"), at(0, meter="disk"))

    assert [(1, 1)] == figures(client)


@pytest.mark.parametrize(
    ("operator", "count"),
    [("lt", 1), ("le", 2), ("eq", 1), ("ge", 2), ("gt", 1), ("ne", 2)],
)
def test_bounds_are_exact_to_the_millisecond(
    client: Client, storage: Storage, operator: str, count: int
) -> None:
    """Of three successive milliseconds each operator takes exactly its own."""
    keep(storage, at(-0.001), at(0), at(0.001))

    assert [(count, count)] == figures(client, ("timestamp", operator, "2015-06-01T12:00"))


def test_windows_are_half_open(client: Client, storage: Storage) -> None:
    """A sample on the boundary of two windows belongs to the second."""
    keep(storage, at(0), at(59.999, 2), at(60, 4), at(119.999, 8), at(120, 16))

    assert [(3, 2), (12, 2), (16, 1)] == figures(client, period=60)


def test_windows_begin_at_the_lower_bound(client: Client, storage: Storage) -> None:
    """With a lower bound the windows are counted from it, and end beyond the upper."""
    keep(storage, at(0), at(30), at(90))
    bounds = [
        ("timestamp", "ge", "2015-06-01T11:59:50"),
        ("timestamp", "lt", "2015-06-01T12:01:31"),
    ]

    assert ["11:59:50 12:00:50", "12:00:50 12:01:50"] == starts(client, *bounds, period=60)


def test_windows_begin_at_a_strict_lower_bound(client: Client, storage: Storage) -> None:
    """With gt the windows begin at the bound itself, as in v2."""
    keep(storage, at(0), at(1))

    found = starts(client, ("timestamp", "gt", "2015-06-01T12:00:00"), period=60)

    assert ["12:00:00 12:01:00"] == found


def test_tightest_lower_bound_anchors(client: Client, storage: Storage) -> None:
    """Of two lower bounds the later one counts."""
    keep(storage, at(0), at(20))
    bounds = [("timestamp", "ge", "2015-06-01T12:00:10"), ("timestamp", "ge", "2015-06-01")]

    assert ["12:00:10 12:00:40"] == starts(client, *bounds, period=30)


def test_windows_begin_at_the_oldest_sample_of_any_meter(client: Client, storage: Storage) -> None:
    """Without a lower bound the windows are counted from the oldest sample of all."""
    keep(storage, at(0), at(-5, meter="disk"))

    assert ["11:59:55 12:00:55"] == starts(client, period=60)


def test_windows_without_samples_are_left_out(client: Client, storage: Storage) -> None:
    """Only windows with samples have a row."""
    keep(storage, at(0), at(3600))

    assert ["12:00:00 12:00:01", "13:00:00 13:00:01"] == starts(client, period=1)


def test_windows_add_up(client: Client, storage: Storage) -> None:
    """The sums of the windows are the sum of the range, exactly."""
    keep(storage, *(at(number * 7, f"0.{number}7") for number in range(50)))

    (whole,) = figures(client)
    parts = figures(client, period=60)

    assert whole == (sum(part[0] for part in parts), sum(part[1] for part in parts))


def test_one_window_is_that_of_the_query(client: Client, storage: Storage) -> None:
    """Without a period the row begins at the lower bound and ends at the newest sample."""
    keep(storage, at(0), at(60))

    assert ["11:00:00 12:01:00"] == starts(client, ("timestamp", "ge", "2015-06-01T11:00"))


def test_search_offset_widens_the_window(client: Client, storage: Storage) -> None:
    """search_offset moves both bounds outward, and with them the first window."""
    keep(storage, at(-61), at(-60), at(0), at(59), at(60))
    bounds = [
        ("timestamp", "ge", "2015-06-01T12:00:00"),
        ("timestamp", "lt", "2015-06-01T12:00:00"),
        ("search_offset", "eq", "1"),
    ]

    assert ([(3, 3)], ["11:59:00 12:00:59"]) == (figures(client, *bounds), starts(client, *bounds))


def test_durations_keep_to_the_bounds_without_the_offset(client: Client, storage: Storage) -> None:
    """The duration is cut at the bounds as they were given."""
    keep(storage, at(-30), at(30))
    bounds = [("timestamp", "ge", "2015-06-01T12:00:00"), ("search_offset", "eq", "1")]

    (row,) = client.rows(url(PATH, *bounds))

    assert (30, "2015-06-01T12:00:00", "2015-06-01T12:00:30") == (
        row["duration"],
        row["duration_start"],
        row["duration_end"],
    )


def test_duration_may_be_cut_away(client: Client, storage: Storage) -> None:
    """Where the bounds leave nothing of the duration, its three fields are null."""
    keep(storage, at(-30))
    bounds = [("timestamp", "ge", "2015-06-01T12:00:00"), ("search_offset", "eq", "1")]

    (row,) = client.rows(url(PATH, *bounds))

    assert [None, None, None] == [
        row["duration"],
        row["duration_start"],
        row["duration_end"],
    ]


def test_durations_have_fractions(client: Client, storage: Storage) -> None:
    """A duration is exact to the millisecond."""
    keep(storage, at(0), at(1.001))

    assert Decimal("1.001") == client.rows(PATH)[0]["duration"]


def test_old_samples_have_windows_too(client: Client, storage: Storage) -> None:
    """Before 1970 windows are counted alike."""
    keep(storage, {"timestamp": datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)})
    path = url(PATH, ("timestamp", "ge", "1969-12-31T23:59:00"), period=60)

    assert "1970-01-01T00:00:00" == client.rows(path)[0]["period_end"]


@pytest.mark.parametrize(
    "field",
    ["source", "resource_id", "project_id", "user_id", "type", "unit", "meter"],
)
def test_group_by_a_field(client: Client, storage: Storage, field: str) -> None:
    """Samples can be grouped by every field of a series."""
    keep(storage, {})
    expected = {
        "source": "openstack",
        "resource_id": "vm-1",
        "project_id": "p-1",
        "user_id": "u-1",
        "type": "gauge",
        "unit": "core",
        "meter": "cpu",
    }

    (row,) = client.rows(url(PATH, groupby=field))

    assert {field: expected[field]} == row["groupby"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("metadata.flavor", "m1"),
        ("resource_metadata.flavor", "m1"),
        ("metadata.a.b.c", "1"),
        ("metadata.d.e", "dots"),
        ("metadata.tags.1", "y"),
        ("metadata.tags", "['x', 'y']"),
        ("metadata.up", "True"),
        ("metadata.size", "1.5"),
        ("metadata.$where", "literal"),
        ("metadata.nothing", None),
        ("metadata.absent", None),
        ("metadata.ключ", "ü"),
    ],
)
def test_group_by_metadata(
    client: Client, storage: Storage, path: str, expected: str | None
) -> None:
    """Samples can be grouped by any path of the metadata; values are text, or null for none."""
    tree = {
        "flavor": "m1",
        "a": {"b": {"c": 1}},
        "d.e": "dots",
        "tags": ["x", "y"],
        "up": True,
        "size": Decimal("1.5"),
        "$where": "literal",
        "nothing": None,
        "ключ": "ü",
    }
    keep(storage, {"metadata": tree})

    (row,) = client.rows(url(PATH, groupby=path))

    assert {path: expected} == row["groupby"]


def test_groups_by_several_fields(client: Client, storage: Storage) -> None:
    """Groups are the combinations that have samples; null comes first."""
    keep(
        storage,
        at(0, 1),
        at(0, 2, user_id="u-2"),
        at(0, 4, user_id=None),
        at(0, 8, resource_id="vm-0"),
        at(0, 16),
    )

    rows = client.rows(url(PATH, groupby=["user_id", "resource_id", "user_id"]))

    assert [(None, "vm-1", 4), ("u-1", "vm-0", 8), ("u-1", "vm-1", 17), ("u-2", "vm-1", 2)] == [
        (row["groupby"]["user_id"], row["groupby"]["resource_id"], row["sum"]) for row in rows
    ]


def test_groups_within_periods(client: Client, storage: Storage) -> None:
    """Rows are sorted by period, and by group within one."""
    keep(storage, at(60, 1, user_id="b"), at(0, 2, user_id="b"), at(60, 4, user_id="a"))

    rows = client.rows(url(PATH, groupby="user_id", period=60))

    assert [("b", 2), ("a", 4), ("b", 1)] == [
        (row["groupby"]["user_id"], row["sum"]) for row in rows
    ]


def test_groups_add_up(client: Client, storage: Storage) -> None:
    """A change of metadata splits groups, and loses nothing."""
    keep(storage, *(at(number, "0.1", metadata={"n": number % 3}) for number in range(10)))

    assert [("0", 4), ("1", 3), ("2", 3)] == [
        (row["groupby"]["metadata.n"], row["count"])
        for row in client.rows(url(PATH, groupby="metadata.n"))
    ]
    assert [(1, 10)] == figures(client)


@pytest.mark.parametrize(
    ("func", "expected"),
    [
        ("min", 1),
        ("max", 4),
        ("sum", 9),
        ("avg", Decimal("2.25")),
        ("count", 4),
        ("stddev", Decimal("1.0897247358851683881")),
    ],
)
def test_a_selected_aggregate(
    client: Client, storage: Storage, func: str, expected: object
) -> None:
    """A selected figure is in `aggregate`, and at the top if it is one of the five."""
    keep(storage, at(0, 1), at(1, 2), at(2, 2), at(3, 4))

    (row,) = client.rows(url(PATH, aggregate__func=func))

    assert {func: expected} == row["aggregate"]
    assert ([] if func == "stddev" else [func]) == [name for name in FIGURES if name in row]


@pytest.mark.parametrize(
    ("field", "expected"), [("resource_id", 2), ("user_id", 3), ("project_id", 1), ("source", 1)]
)
def test_cardinality(client: Client, storage: Storage, field: str, expected: int) -> None:
    """Cardinality counts distinct values; null is one."""
    keep(storage, at(0), at(1, resource_id="vm-2"), at(2, user_id="u-2"), at(3, user_id=None))
    parameters = {"aggregate__func": "cardinality", "aggregate__param": field}

    (row,) = client.rows(url(PATH, **parameters))

    assert {f"cardinality/{field}": expected} == row["aggregate"]


def test_several_aggregates(client: Client, storage: Storage) -> None:
    """Aggregates are paired with their params by position, and repeats are dropped."""
    keep(storage, at(0, 2))
    parameters = {
        "aggregate__func": ["cardinality", "sum", "cardinality", "sum", "cardinality"],
        "aggregate__param": ["user_id", "", "source", "", "user_id"],
    }

    (row,) = client.rows(url(PATH, **parameters))

    assert {"cardinality/user_id": 1, "sum": 2, "cardinality/source": 1} == row["aggregate"]


def test_deviation_of_big_integers_is_exact(client: Client, storage: Storage) -> None:
    """The deviation of nanosecond counters does not cancel."""
    base = 10**26
    keep(storage, at(0, base), at(1, base + 2), at(2, base + 4), at(3, base + 6))

    text = client.get(url(PATH, aggregate__func="stddev")).text

    assert '"aggregate":{"stddev":2.2360679774997896964}' in text


def test_deviation_of_equal_values_is_zero(client: Client, storage: Storage) -> None:
    """Equal values do not deviate, not even a little."""
    keep(storage, *(at(number, "0.1") for number in range(3)))

    assert '"stddev":0.0}' in client.get(url(PATH, aggregate__func="stddev")).text


def test_figures_have_a_fraction(client: Client, storage: Storage) -> None:
    """As v2 wrote them, also the count in `aggregate`; what is counted at the top has none."""
    keep(storage, at(0, 1536), at(60, "1536.5"))
    chosen = url(PATH, aggregate__func=["sum", "count"])
    shared = '"groupby":null,"unit":"core",'
    duration = '"duration":60.0,"duration_start":'

    standard = '"min":1536.0,"max":1536.5,"avg":1536.25,"sum":3072.5,"count":2,'
    assert f"[{{{shared}{standard}{duration}" in client.get(PATH).text
    row = client.get(chosen).text
    assert f'[{{{shared}"sum":3072.5,"count":2,{duration}' in row
    assert '"period":0,' in row
    assert '"aggregate":{"sum":3072.5,"count":2.0}}]' in row
    tree = client.tree(chosen)
    assert ["3072.5", "2.0"] == [one.text for one in tree.findall("item/aggregate/item/value")]
    assert ("2", "60.0") == (tree.findtext("item/count"), tree.findtext("item/duration"))


def test_a_week_by_the_minute(client: Client, storage: Storage) -> None:
    """Statistics have more rows than a page of a list."""
    keep(storage, *(at(60 * minute) for minute in range(7 * 24 * 60)))

    assert 10_080 == len(client.rows(url(PATH, period=60)))


def test_parameters_in_a_body(client: Client, storage: Storage) -> None:
    """All parameters may come in a JSON body of the GET."""
    keep(storage, at(0), at(60), at(61, user_id="u-2"))
    body = """{"q": [{"field": "timestamp", "op": "gt", "value": "2015-06-01T12:00"}],
        "period": 60, "groupby": ["user_id"], "aggregate": [{"func": "sum"}]}"""

    rows = client.rows(PATH, body=body)

    assert [({"user_id": "u-1"}, 1), ({"user_id": "u-2"}, 1)] == [
        (row["groupby"], row["sum"]) for row in rows
    ]


def test_trailing_slash_is_harmless(client: Client, storage: Storage) -> None:
    """A slash at the end changes nothing."""
    keep(storage, {})

    assert client.rows(PATH) == client.rows(f"{PATH}/")


def test_statistics_of_a_meter_named_statistics(client: Client, storage: Storage) -> None:
    """A meter may have any name."""
    keep(storage, {"meter": "statistics"})

    assert [1] == [row["count"] for row in client.rows("/v2/meters/statistics/statistics")]


def test_statistics_as_xml(client: Client, storage: Storage) -> None:
    """In XML figures are plain numbers, and groups items of key and value."""
    keep(storage, at(0, "1e-10"), at(1, "1e20"))

    tree = client.tree(url(PATH, groupby="user_id", aggregate__func=["sum", "max"]))

    assert ("100000000000000000000.0000000001", "user_id", ["max", "sum"], None) == (
        tree.findtext("item/sum"),
        tree.findtext("item/groupby/item/key"),
        sorted(key.text for key in tree.iterfind("item/aggregate/item/key")),
        tree.find("item/min"),
    )


def test_too_many_groupings(client: Client) -> None:
    """Ten fields to group by are enough: rows and answers grow with each."""
    ten = "&".join(f"groupby=metadata.{number}" for number in range(10))

    assert [] == client.rows(f"/v2/meters/cpu/statistics?{ten}")
    assert_fault(client.get(f"/v2/meters/cpu/statistics?{ten}&groupby=user_id"), 400, "at most 10")


def test_explain_says_what_was_read(client: Client, storage: Storage) -> None:
    """The rows are the same; a header counts series, pieces and samples."""
    keep(storage, at(0), at(1, id="s-2"), at(2, id="s-3", resource_id="vm-2"))
    plain, explained = client.get(PATH), client.get(f"{PATH}?explain=true")

    assert "Metering-Effort" not in plain.headers
    assert plain.json == explained.json
    assert explained.headers["Metering-Effort"] == "tracks=2, pieces=0, samples=3"
    assert "Metering-Effort" not in client.get(f"{PATH}?explain=0").headers


def test_explain_is_for_administrators(member: Client, proxied: Client) -> None:
    """A member is refused, unless it is switched off."""
    assert_fault(member.get(f"{PATH}?explain=1"), 403, "explain is for administrators")
    assert member.rows(f"{PATH}?explain=0") == []
    assert proxied.acting(roles="admin").rows(f"{PATH}?explain=1") == []
