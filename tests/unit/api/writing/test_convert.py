"""From the model to what clients see."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from builders import LATER, NOON, after_noon, readings, sample, series
from msgspec import UNSET

from metering.api.reading.statistics import StatisticsShape
from metering.api.writing.convert import (
    recorded_sample_to_old_api,
    resource_to_api,
    sample_to_api,
    sample_to_old_api,
    unique_meter_to_api,
)
from metering.api.writing.statistics import statistics_to_api
from metering.model import Meter, MeterType, Resource
from metering.summary import of_stream
from metering.times import EVER, Range
from metering.usage.figures import Aggregate
from metering.usage.statistics import Row

SHAPE = StatisticsShape(period_seconds=0, groupby=(), lower=None, upper=None, chosen=(), now=LATER)
RESOURCE = Resource(
    id="a/b c",
    source="s",
    project_id=None,
    user_id=None,
    metadata=series().metadata,
    first_sample_at=NOON,
    last_sample_at=NOON,
    meters=("x?", "x?"),
)


def row(window: Range = EVER) -> Row:
    """A row of two readings, a minute apart."""
    figures = {Aggregate("sum"): Decimal(3), Aggregate("stddev"): Decimal(1)}
    return Row(window, (), "core", None, of_stream(readings((0, 1), (60, 2))), figures)


def test_both_names_of_a_sample() -> None:
    """The two shapes of a sample have the same values under different names."""
    new, old = sample_to_api(sample()), sample_to_old_api(sample())

    assert (new.id, new.meter, new.volume, new.metadata, new.recorded_at) == (
        old.message_id,
        old.counter_name,
        old.counter_volume,
        old.resource_metadata,
        old.recorded_at,
    )


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"a.b.c": "1"}, {"a.b.c": "1"}),
        ({"a": None}, {"a": None}),
        ({"a": 1}, {"a": "1"}),
        ({"a": {"b": "c"}}, {"a.b": "c"}),
        ({"a": "1", "b.c.d": True}, {"a": "1", "b.c:d": "True"}),
    ],
)
def test_echoed_metadata(tree: dict[str, Any], expected: dict[str, Any]) -> None:
    """What v2 would have accepted is answered as sent, all else flattened."""
    assert expected == recorded_sample_to_old_api(sample(metadata=tree)).resource_metadata


def test_links_are_encoded() -> None:
    """Every part of a link that a client named is encoded, for each meter one."""
    body = resource_to_api(RESOURCE, "http://host", meter_links=True)

    meter = "http://host/v2/meters/x%3F?q.field=resource_id&q.value=a%2Fb%20c"
    assert ["http://host/v2/resources/a%2Fb%20c", meter, meter] == [one.href for one in body.links]


def test_links_may_be_left_out() -> None:
    """Without links to meters there is the one to the resource."""
    body = resource_to_api(RESOURCE, "http://host", meter_links=False)

    assert ["self"] == [one.rel for one in body.links]


def test_unique_meter_is_of_nobody() -> None:
    """A meter by name alone has no resource, owner and source."""
    meter = Meter(
        name="x",
        type=MeterType.GAUGE,
        unit="u",
        resource_id="vm-1",
        source="s",
        project_id="p",
        user_id="u",
    )

    body = unique_meter_to_api(meter)

    assert (None, None, None, None, "Tm9uZSt4") == (
        body.resource_id,
        body.project_id,
        body.user_id,
        body.source,
        body.meter_id,
    )


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        (None, None, (60, "2015-06-01T12:00:00", "2015-06-01T12:01:00")),
        (-10, 70, (60, "2015-06-01T12:00:00", "2015-06-01T12:01:00")),
        (15, 45.5, (Decimal("30.5"), "2015-06-01T12:00:15", "2015-06-01T12:00:45.500000")),
        (60, 60, (0, "2015-06-01T12:01:00", "2015-06-01T12:01:00")),
        (61, None, (None, None, None)),
        (None, -1, (None, None, None)),
    ],
)
def test_durations_keep_to_the_bounds(
    lower: float | None, upper: float | None, expected: tuple[Any, ...]
) -> None:
    """A duration is from first to last sample, cut at the bounds; null where nothing is left."""
    bounds = {
        "lower": None if lower is None else after_noon(lower),
        "upper": None if upper is None else after_noon(upper),
    }

    body = statistics_to_api(row(), replace(SHAPE, **bounds))

    assert expected == (body.duration, body.duration_start, body.duration_end)


def test_period_of_a_window() -> None:
    """A window's ends are shown; where it has none, the first and last sample."""
    window = Range(after_noon(-5), after_noon(95))

    assert [
        ("2015-06-01T12:00:00", "2015-06-01T12:01:00"),
        ("2015-06-01T11:59:55", "2015-06-01T12:01:35"),
    ] == [
        (body.period_start, body.period_end)
        for body in (statistics_to_api(row(one), SHAPE) for one in (EVER, window))
    ]


@pytest.mark.parametrize("chosen", [(Aggregate("sum"), Aggregate("stddev")), ()])
def test_figures(chosen: tuple[Aggregate, ...]) -> None:
    """Of the five only those computed are at the top; a selection is together as well."""
    body = statistics_to_api(row(), replace(SHAPE, chosen=chosen))

    together = {"sum": Decimal(3), "stddev": Decimal(1)} if chosen else UNSET
    assert (3, UNSET, together) == (body.sum, body.max, body.aggregate)
