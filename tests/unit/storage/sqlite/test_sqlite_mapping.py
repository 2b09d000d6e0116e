"""Rows say exactly what objects said."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, sample, series

from metering.metadata import Metadata
from metering.storage.sqlite.mapping import (
    description_from_columns,
    description_to_columns,
    reading_from_columns,
    row_from_columns,
    sample_to_columns,
    track_from_columns,
    track_to_columns,
)
from metering.summary import Reading
from metering.times import LAST


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"project_id": None, "user_id": None}, id="nobody's"),
        pytest.param({"project_id": "", "unit": "", "resource_id": "a\0b"}, id="odd text"),
    ],
)
def test_track_and_back(changes: dict[str, Any]) -> None:
    """A track comes back as it went, digest included."""
    track = series(**changes).track
    columns = track_to_columns(track)
    handle, back = track_from_columns((7, *columns[1:-1]))

    assert (7, track) == (handle, back)
    assert [back.digest, back.rollup.digest] == [columns[0], columns[-1]]


@pytest.mark.parametrize("tree", [{}, {"a": 1}, {"a.b": {"$é": [Decimal("1.50"), None]}}])
def test_description_and_back(tree: dict[str, Any]) -> None:
    """A description comes back as it went, digest included."""
    columns = description_to_columns(Metadata.of(tree))
    handle, back = description_from_columns((7, columns[1]))

    assert (7, Metadata.of(tree)) == (handle, back)
    assert columns[0] == back.digest


@pytest.mark.parametrize(
    ("volume", "text"),
    [
        ("0", "0"),
        ("-1.5", "-1.5"),
        ("1E+26", "100000000000000000000000000"),
        ("1E-27", "0.000000000000000000000000001"),
        ("123456789012345678901234567.1234567", "123456789012345678901234567.1234567"),
    ],
)
def test_volume_is_plain_text(volume: str, text: str) -> None:
    """A volume is kept as all its digits, without an exponent, and read back exactly."""
    columns = sample_to_columns(7, 8, b"key", sample(volume=volume))

    assert text == columns[5]
    assert Decimal(volume) == row_from_columns(columns).volume


@pytest.mark.parametrize("instant", [NOON, LAST, datetime(1, 1, 1, tzinfo=UTC)])
def test_sample_and_back(instant: datetime) -> None:
    """A sample comes back as it went, at any instant from the year 1 to 9999."""
    gone = sample(timestamp=instant, recorded_at=instant, id="é\0 x")
    row = row_from_columns(sample_to_columns(7, 8, gone.key, gone))

    assert gone == row.sample(gone.series)
    assert (7, 8) == (row.track, row.description)


def test_reading() -> None:
    """A reading is the time and the volume of a row."""
    assert Reading(NOON, Decimal("1.5")) == reading_from_columns((7, 1433160000000, b"", "1.5"))
