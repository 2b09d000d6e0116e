"""A year of random samples in five zones, against another reckoning: real servers, real stores.

Half of it is there when days are sealed, and the other half comes late.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from e2e.processes import Service, manage, metering_api
from e2e.reckoning import QUARTER, Asked, Clocks, Figures, Told, Window, reckon, text
from e2e.web import get, post_any

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
)
KINDS = {"calls": "delta", "bytes": "cumulative", "disk": "gauge"}
GROUPS = ([], ["project_id"], ["metadata.flavor", "project_id"], ["resource_id"])
LENGTHS = {"hour": 4, "day": 50, "week": 150, "month": 400, "quarter": 400, "year": 400}
# In the last year in which clocks of all of them but Kathmandu's changed.
START, DAYS = datetime(2017, 9, 1, tzinfo=UTC), 395
NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUESTIONS = 40


def told(chance: random.Random, resource: str, kind: str) -> Iterator[Told]:
    """The readings of a resource: bursts, gaps, equal instants, resets, and what changes."""
    at, volume = START + chance.randrange(20 * 96) * QUARTER, Fraction(0)
    about: dict[str, str | None] = {"resource_id": resource}
    for place in range(90):
        if not place or chance.random() < 0.2:
            about = about | {
                "project_id": chance.choice(["acme", "zenith"]),
                "metadata.flavor": chance.choice(["small", "large", None]),
            }
        rise = Fraction(chance.randrange(10**6), 1000)
        goes_on = kind == "cumulative" and chance.random() > 0.1
        volume = volume + rise if goes_on else rise
        yield Told(at, volume, f"{resource}-{place}", about)
        at += chance.choice(
            [
                timedelta(),
                timedelta(milliseconds=chance.randrange(1, 20_000)),
                timedelta(seconds=chance.randrange(6 * 3600)),
                chance.randrange(35 * 96) * QUARTER,
                timedelta(days=1) - (at - START) % timedelta(days=1),
            ]
        )


def posted(one: Told, meter: str) -> dict[str, Any]:
    """A reading as a sample in v2's words."""
    flavor, thousandths = one.about["metadata.flavor"], int(one.volume * 1000)
    return {
        "counter_name": meter,
        "counter_type": KINDS[meter],
        "counter_unit": "x",
        "counter_volume": f"{thousandths // 1000}.{thousandths % 1000:03}",
        "resource_id": one.about["resource_id"],
        "project_id": one.about["project_id"],
        "timestamp": text(one.at),
        "message_id": one.id,
        "resource_metadata": {} if flavor is None else {"flavor": flavor},
    }


History = dict[str, list[list[Told]]]


@pytest.fixture(scope="module")
def history() -> History:
    """The streams of each meter."""
    chance = random.Random(2012)
    return {
        meter: [list(told(chance, f"{meter}-{number}", kind)) for number in range(3)]
        for meter, kind in KINDS.items()
    }


@pytest.fixture(params=["sqlite", "mongodb"])
def service(request: pytest.FixtureRequest, tmp_path: Path, history: History) -> Iterator[Service]:
    """A server that knows the history, half of it from before the days were sealed."""
    url = request.getfixturevalue(f"{request.param}_url")
    everything = [
        posted(one, meter)
        for meter, streams in history.items()
        for stream in streams
        for one in stream
    ]
    random.Random(1).shuffle(everything)
    with metering_api(tmp_path, "--connection", url) as server:
        assert post_any(server.address, everything[::2]).status == 201
        assert manage(url, "seal", "--settle", "0").returncode == 0
        assert post_any(server.address, everything[1::2]).status == 201
        yield server


def question(chance: random.Random) -> dict[str, Any]:
    """Windows, groups and rules, drawn."""
    interval = chance.choice(list(LENGTHS))
    begin = START.replace(tzinfo=None) + timedelta(days=chance.randrange(-3, 300))
    length = timedelta(days=chance.randrange(1, LENGTHS[interval] + 1))
    bounds = (
        begin + chance.randrange(96) * QUARTER,
        begin + length + chance.choice([0, 50]) * QUARTER,
    )
    options: dict[str, Any] = {
        "tz": chance.choice(ZONES),
        "interval": interval,
        "start": bounds[0].isoformat(),
        "end": max(bounds[1], bounds[0] + QUARTER * 8).isoformat(),
        "groupby": chance.choice(GROUPS),
        "max_gap": chance.choice(["none", "600", "86400"]),
        "first": chance.choice(["baseline", "zero"]),
        "fill": chance.choice(["none", "0", "null"]),
    }
    if interval == "week":
        options["week_start"] = chance.choice(["mon", "sun"])
    if interval in ("month", "quarter", "year"):
        options["anchor"] = chance.choice(["2018-01-01", "2016-02-15", "2019-10-31"])
    return options


def ask(service: Service, meter: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of usage and readings."""
    functions = {"aggregate.func": ["usage", "sum", "count"]}
    asked = urlencode(options | functions, doseq=True)
    answer = get(service.address, f"/v2/meters/{meter}/statistics?{asked}")
    assert answer.status == 200, answer.body
    rows: list[dict[str, Any]] = answer.json
    return rows


@pytest.fixture(scope="module")
def clocks() -> dict[str, Clocks]:
    """Of each zone, for long enough before and after."""
    before, after = START - timedelta(days=380), START + timedelta(days=1180)
    return {zone: Clocks(zone, before, after) for zone in ZONES}


def windows(clocks: dict[str, Clocks], options: dict[str, Any]) -> list[Window]:
    """The windows of a question."""
    shown = clocks[options["tz"]]
    return shown.windows(
        options["interval"],
        *(shown.first_at(datetime.fromisoformat(options[name])) for name in ("start", "end")),
        week_start=options.get("week_start", "mon"),
        anchor=date.fromisoformat(options.get("anchor", "2018-01-01")),
    )


def shown(row: dict[str, Any], group_by: list[str], kind: str) -> tuple[Any, ...]:
    """What is compared of a row."""
    group = tuple((row["groupby"] or {}).get(name) for name in group_by)
    figures = [row["aggregate"][name] for name in ("usage", "sum", "count")]
    detail = row.get("detail") or {}
    return (
        row["period_start"],
        row["period_end"],
        row.get("partial", False),
        group,
        *(None if one is None else Fraction(str(one)) for one in figures),
        Fraction(str(detail["unit_seconds"])) if detail and kind == "gauge" else None,
        detail.get("quality"),
    )


def expected(
    window: Window, group: tuple[str | None, ...], of: Figures | None, asked: Asked, fill: str
) -> tuple[Any, ...]:
    """What a row should show; of a window that was filled in, nothing or zeros."""
    begin = (text(window.start), text(window.end), window.is_partial, group)
    if of is None:
        nothing = Fraction(0) if fill == "0" else None
        return (*begin, nothing, nothing, Fraction(0), None, None)
    quality = "provisional" if of.is_provisional else "final"
    return (
        *begin,
        of.usage(asked.kind),
        of.sum,
        Fraction(of.count),
        of.unit_seconds if asked.kind == "gauge" else None,
        None if asked.kind == "delta" else quality,
    )


def test_statistics(service: Service, history: History, clocks: dict[str, Clocks]) -> None:
    """Each window and group that should have a row has one, with these very figures."""
    chance = random.Random(1003)
    seen = 0
    for _ in range(QUESTIONS):
        meter, options = chance.choice(list(KINDS)), question(chance)
        asked = Asked(
            kind=KINDS[meter],
            group_by=options["groupby"],
            max_gap=None if options["max_gap"] == "none" else int(options["max_gap"]),
            from_zero=options["first"] == "zero",
            now=NOW,
        )
        wanted = windows(clocks, options)
        found = reckon(history[meter], wanted, asked)
        groups = {group for _, group in found}
        rows = {
            expected(window, group, found.get((window.start, group)), asked, options["fill"])
            for window in wanted
            for group in groups
            if options["fill"] != "none" or (window.start, group) in found
        }
        answer = ask(service, meter, options)
        assert {shown(row, options["groupby"], asked.kind) for row in answer} == rows, options
        assert len(answer) == len(rows), options
        seen += len(answer)
    assert seen > 10 * QUESTIONS


def quantity(row: dict[str, Any], kind: str) -> Fraction:
    """What adds up exactly: hours of a gauge are rounded in each row."""
    of_gauge = kind == "gauge"
    return Fraction(str(row["detail"]["unit_seconds"] if of_gauge else row["aggregate"]["usage"]))


def test_cuts(service: Service) -> None:
    """However a year is cut, by time or groups or segments, the parts add up to the last digit."""
    for meter in KINDS:
        assert_adds_up(service, meter)


def assert_adds_up(service: Service, meter: str) -> None:
    """Check it of one meter."""
    chance = random.Random(7)
    within = [timedelta(milliseconds=chance.randrange(DAYS * 86_400_000)) for _ in range(8)]
    edges = [START + one for one in sorted({timedelta(), *within, timedelta(days=DAYS)})]
    rules = {"max_gap": "86400", "first": "zero"}

    def bounds(start: datetime, end: datetime) -> dict[str, str]:
        return {"start": start.isoformat(), "end": end.isoformat()}

    def total(start: datetime, end: datetime, **more: Any) -> Fraction:
        rows = ask(service, meter, rules | bounds(start, end) | more)
        return sum((quantity(row, KINDS[meter]) for row in rows), Fraction())

    whole = total(edges[0], edges[-1])
    assert whole > 0
    assert sum(total(*pair) for pair in pairwise(edges)) == whole
    for name in GROUPS[1:]:
        assert total(edges[0], edges[-1], groupby=name) == whole
    asked = rules | bounds(edges[0], edges[-1]) | {"by": "metadata.flavor", "limit": "10000"}
    segments = get(service.address, f"/v2/meters/{meter}/segments?{urlencode(asked)}").json
    parts = [one | {"aggregate": {"usage": one["usage"]}} for one in segments]
    assert sum(quantity(one, KINDS[meter]) for one in parts) == whole
