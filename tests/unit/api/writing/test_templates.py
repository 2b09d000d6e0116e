"""Rows that are filled into templates."""

from collections.abc import Callable
from typing import Any

import pytest
import strategies
from builders import sample, series
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metering.api.forms.render import encode
from metering.api.writing import templates
from metering.api.writing.convert import sample_to_api, sample_to_old_api
from metering.api.writing.templates import Templates
from metering.model import Sample

WRITERS = pytest.mark.parametrize("write", [sample_to_api, sample_to_old_api])


@WRITERS
@given(found=st.lists(strategies.samples(), max_size=5))
def test_rows_are_those_that_are_encoded_whole(
    write: Callable[[Sample], Any], found: list[Sample]
) -> None:
    """Whatever stands in them."""
    made = Templates(write)

    for one in [*found, *found]:
        assert encode(write(one)) == bytes(made.row(one))


@WRITERS
def test_samples_of_a_series_differ(write: Callable[[Sample], Any]) -> None:
    """In id, volume and instants; what looks like a place to be filled is none."""
    one = series(metadata={"%b": "%s %", "a": "\\u0000\x01"}, resource_id="%(id)s")
    made = Templates(write)

    for number in range(3):
        each = structs.replace(sample(id=f"%{number}", volume=f"0.{number}0"), series=one)
        assert encode(write(each)) == bytes(made.row(each))


def test_they_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of very many series are made anew."""
    monkeypatch.setattr(templates, "_MOST_BYTES", 1000)
    made = Templates(sample_to_api)
    found = [sample(id=str(number), resource_id=str(number)) for number in range(50)]

    for one in [*found, *found]:
        assert encode(sample_to_api(one)) == bytes(made.row(one))
        assert len(made._templates) < 6
