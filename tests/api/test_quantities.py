"""Statistics of what happens between readings: `aggregate.func`, `max_gap`, `first`, `detail`."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from api.client import Client, assert_fault, keep, url
from builders import after_noon

from metering.model import MeterType
from metering.storage.base import Storage

PATH = "/v2/meters/cpu/statistics"
NOON = "2015-06-01T12:00:00"
COUNTER = {"type": MeterType.CUMULATIVE, "unit": "B"}


def told(*pairs: tuple[float, object], **changes: object) -> list[dict[str, object]]:
    """Samples from (seconds after noon, volume)."""
    return [{"timestamp": after_noon(at), "volume": volume, **changes} for at, volume in pairs]


def clock(seconds: int) -> str:
    """The time so long after noon."""
    return after_noon(seconds).replace(tzinfo=None).isoformat()


def rows(client: Client, func: str, start: int, end: int, **parameters: object) -> Any:
    """The rows of a figure between two times."""
    bounds = {"start": clock(start), "end": clock(end), "aggregate.func": func}
    return client.rows(url(PATH, **bounds, **parameters))


def figure(client: Client, func: str, start: int, end: int, **parameters: object) -> Any:
    """The figure of the only row."""
    (row,) = rows(client, func, start, end, **parameters)
    return row["aggregate"][func]


BYTES = told((0, 0), (10, 100), (20, 500), (40, 1000), **COUNTER)


def test_a_counter_is_prorated(client: Client, storage: Storage) -> None:
    """750 before half a minute past noon, 250 after; the rest of the row says how."""
    keep(storage, *BYTES)

    (row,) = rows(client, "increase", 0, 30)
    assert row["aggregate"] == {"increase": 750}
    assert row["detail"] == {
        "unit": "B",
        "measured": 500,
        "interpolated": 250,
        "resets": 0,
        "unit_seconds": None,
        "observed_seconds": None,
        "quality": "final",
    }
    (row,) = rows(client, "increase", 30, 60)
    assert row["aggregate"] == {"increase": 250}
    assert (row["detail"]["interpolated"], row["detail"]["quality"]) == (250, "provisional")
    assert row["detail"]["measured"] == 0


def test_a_window_between_two_readings(client: Client, storage: Storage) -> None:
    """It has a row, without samples."""
    keep(storage, *BYTES)
    (row,) = rows(client, "usage", 25, 30)

    assert row["aggregate"] == {"usage": 125}
    assert (row["duration"], row["duration_start"], row["unit"]) == (None, None, "B")
    assert rows(client, "usage", 41, 50) == []


def test_rates(client: Client, storage: Storage) -> None:
    """Of the whole window, to twelve places."""
    keep(storage, *BYTES)

    assert figure(client, "rate", 0, 40) == 25
    (row,) = rows(client, "rate", 0, 30)
    assert (row["aggregate"]["rate"], row["detail"]["unit"]) == (25, "B/s")
    assert (
        "8.333333333333"
        in client.get(url(PATH, start=clock(30), end=clock(60), **{"aggregate.func": "rate"})).text
    )


def test_the_first_reading_from_zero(client: Client, storage: Storage) -> None:
    """At its own instant, also when that begins the window."""
    keep(storage, *told((10, 100), (20, 150), **COUNTER))

    assert figure(client, "increase", 10, 30) == 50
    assert figure(client, "increase", 10, 30, first="baseline") == 50
    assert figure(client, "increase", 10, 30, first="zero") == 150
    assert figure(client, "increase", 11, 30, first="zero") == 45


DAY = 86_400


def test_gigabyte_hours(client: Client, storage: Storage) -> None:
    """10 GB for 10 days, 30 for 10, 20 for 11: 14,880 GB-Hours, 20 GB on average."""
    keep(storage, *told((0, 10), (10 * DAY, 30), (20 * DAY, 20), unit="GB"))
    asked = {"max_gap": "none"}

    (row,) = rows(client, "integral", 0, 31 * DAY, **asked)
    assert row["aggregate"] == {"integral": 14_880}
    assert row["detail"] == {
        "unit": "GB-Hours",
        "measured": None,
        "interpolated": None,
        "resets": None,
        "unit_seconds": 14_880 * 3600,
        "observed_seconds": 31 * DAY,
        "quality": "final",
    }
    assert figure(client, "timeavg", 0, 31 * DAY, **asked) == 20
    assert figure(client, "usage", 0, 31 * DAY, **asked) == 14_880
    (row,) = rows(client, "integral", 0, 31 * DAY, **asked, **{"aggregate.param": "day"})
    assert row["aggregate"] == {"integral/day": 620}
    assert row["detail"]["unit"] == "GB-Days"


def test_a_gap_ends_what_holds(client: Client, storage: Storage) -> None:
    """An hour unless told otherwise; carried in, too."""
    keep(storage, *told((0, 2), (7200, 4)))

    assert figure(client, "integral", 0, 4 * 3600) == 2 + 4
    assert figure(client, "integral", 0, 4 * 3600, max_gap="7200") == 4 + 8
    assert figure(client, "integral", 0, 4 * 3600, max_gap="1.8") == Decimal("0.003")
    assert figure(client, "integral", 1800, 7200) == 1
    (row,) = rows(client, "integral", 3600, 7200)
    assert row["aggregate"] == {"integral": 0}
    assert (row["detail"]["observed_seconds"], row["detail"]["quality"]) == (0, "final")
    assert figure(client, "timeavg", 3600, 7200) is None
    assert figure(client, "peak", 3600, 7200) is None
    assert rows(client, "integral", 7200 + 3600, 4 * 3600) == []


def test_usage_is_apart_by_type(client: Client, storage: Storage) -> None:
    """As units are; each type has its own meaning, and its own unit."""
    keep(
        storage,
        *told((0, 1), (60, 2), type=MeterType.DELTA, unit="x"),
        *told((0, 10), (60, 25), type=MeterType.CUMULATIVE, unit="x", resource_id="vm-2"),
        *told((0, 3600), (60, 0), unit="x", resource_id="vm-3"),
    )
    found = rows(client, "usage", 0, 3600)

    assert [row["aggregate"]["usage"] for row in found] == [15, 3, 60]
    assert [row.get("detail", {}).get("unit") for row in found] == ["x", None, "x-Hours"]


def test_peak_is_of_what_holds_at_once(client: Client, storage: Storage) -> None:
    """Two machines that overlap for a minute: their sum, which no sample has."""
    keep(
        storage,
        *told((0, 4), (600, 0), resource_id="vm-1"),
        *told((540, 3), (1200, 0), resource_id="vm-2"),
        *told((600, 5), (700, 0), resource_id="vm-3"),
    )

    assert figure(client, "peak", 0, 3600) == 8
    assert figure(client, "peak", 0, 600) == 7
    found = rows(client, "peak", 0, 3600, groupby="resource_id")
    assert [row["aggregate"]["peak"] for row in found] == [4, 3, 5]
    assert "detail" not in found[0]


def test_first_and_latest(client: Client, storage: Storage) -> None:
    """Of the samples in the window."""
    keep(storage, *told((0, 5), (10, 7), (20, 6)))

    assert (figure(client, "first", 1, 30), figure(client, "latest", 1, 20)) == (7, 7)


def test_several_figures(client: Client, storage: Storage) -> None:
    """Those of readings are as ever beside the others."""
    keep(storage, *BYTES)
    path = f"{PATH}?start={clock(5)}&end={clock(30)}" + "".join(
        f"&aggregate.func={name}" for name in ("sum", "increase", "count", "max")
    )
    (row,) = client.rows(path)

    assert row["aggregate"] == {"sum": 600, "increase": 700, "count": 2, "max": 500}
    assert row["duration_start"] == clock(10)


@pytest.mark.parametrize("func", ["sum", "usage"])
def test_a_resize_splits_by_flavor(client: Client, storage: Storage, func: str) -> None:
    """What held until the next reading belongs to the flavor of the earlier one."""
    small, large = {"metadata": {"flavor": "s"}}, {"metadata": {"flavor": "l"}}
    keep(storage, *told((0, 1), **small), *told((1800, 2), **large), *told((3600, 0), **large))
    found = rows(client, func, 0, 3600, groupby="metadata.flavor")
    expected = {"sum": {"l": 2, "s": 1}, "usage": {"l": 1, "s": 0.5}}

    assert {row["groupby"]["metadata.flavor"]: row["aggregate"][func] for row in found} == (
        expected[func]
    )


def test_windows_telescope(client: Client, storage: Storage) -> None:
    """Days of a counter are its month, to the last digit, in any zone."""
    keep(storage, *told(*((7001.5 * place, place**3) for place in range(80)), **COUNTER))
    asked = {"tz": "Asia/Kathmandu", "aggregate.func": "increase"}
    bounds = {"start": "2015-06-01", "end": "2015-06-09"}
    days = client.rows(url(PATH, **bounds, **asked, interval="day"))
    (whole,) = client.rows(url(PATH, **bounds, **asked))

    assert len(days) > 6
    assert sum(row["aggregate"]["increase"] for row in days) == whole["aggregate"]["increase"]
    assert sum(row["detail"]["resets"] for row in days) == 0


@pytest.mark.parametrize(
    ("kind", "last"), [(MeterType.GAUGE, "final"), (MeterType.CUMULATIVE, "provisional")]
)
def test_what_may_come_again_is_provisional(
    client: Client, storage: Storage, kind: MeterType, last: str
) -> None:
    """A flavor that another followed may be back, until something says that it was not.

    Of a gauge the end of the window does, of a counter a reading after it.
    """
    now = datetime.now(UTC)
    common = {"type": kind, "volume": 7}
    small = common | {"timestamp": now - timedelta(hours=3), "metadata": {"flavor": "s"}}
    large = common | {"timestamp": now - timedelta(hours=2), "metadata": {"flavor": "l"}}
    keep(storage, small, large)

    def qualities(**bounds: object) -> dict[str, str]:
        asked = {"aggregate.func": "usage", "groupby": "metadata.flavor", **bounds}
        found = client.rows(url(PATH, start=(now - timedelta(hours=4)).isoformat(), **asked))
        return {row["groupby"]["metadata.flavor"]: row["detail"]["quality"] for row in found}

    open_ended = {"s": "provisional", "l": "provisional"}
    assert qualities(end=(now + timedelta(hours=1)).isoformat()) == open_ended
    assert qualities() == open_ended
    over = {"end": (now - timedelta(hours=1)).isoformat()}
    assert qualities(**over) == {"s": last, "l": last}
    assert qualities(**over, **{"q.field": "metadata.flavor", "q.value": "s"}) == {"s": last}

    keep(storage, large | {"timestamp": now - timedelta(minutes=59), "id": "3"})
    assert qualities(**over) == {"s": "final", "l": "final"}


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"max_gap": "-1"}, "max_gap"),
        ({"max_gap": "1e3"}, "max_gap"),
        ({"max_gap": "0.0001"}, "max_gap"),
        ({"max_gap": "None"}, "max_gap"),
        ({"max_gap": "9" * 12}, "max_gap"),
        ({"max_gap": "٣"}, "max_gap"),
        ({"first": "one"}, "first"),
        ({"aggregate.param": "week"}, "integral.week"),
    ],
)
def test_refused(client: Client, parameters: dict[str, object], field: str) -> None:
    """Each is named."""
    asked = {"aggregate.func": "integral"} | parameters

    assert_fault(client.get(url(PATH, **asked)), 400, field)


@pytest.mark.parametrize(
    "condition",
    [("volume", "gt", "1"), ("recorded_at", "lt", NOON), ("timestamp", "ne", NOON)],
)
def test_intervals_are_not_of_single_samples(client: Client, condition: tuple[str, ...]) -> None:
    """What lies between samples that were picked by themselves would be no usage."""
    path = url(PATH, condition, **{"aggregate.func": "usage"})

    assert_fault(client.get(path), 400, condition[0])


def test_without_bounds(client: Client, storage: Storage) -> None:
    """From the first reading on, and of a gauge as long as it holds."""
    keep(storage, *told((0, 2)), *told((0, 1), (10, 4), **COUNTER))
    found = client.rows(url(PATH, **{"aggregate.func": "usage"}))

    assert [row["aggregate"]["usage"] for row in found] == [3, 2]
