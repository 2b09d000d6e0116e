"""Arrays in v2's shape that are read in one go."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.api.reading.shapes import read_array, read_either, read_item, read_v2
from metering.errors import InvalidSample
from metering.recording.drafts import Draft

SAMPLE: dict[str, Any] = {
    "counter_name": "cpu",
    "counter_type": "gauge",
    "counter_unit": "core",
    "counter_volume": 1,
    "resource_id": "vm-1",
}
FIELDS = (
    *(*SAMPLE, "project_id", "user_id", "source", "message_id", "timestamp", "recorded_at"),
    *("resource_metadata", "name", "volume", "unknown"),
)
# None of them is a sample; some are no JSON.
ODD = ("{}", "[]", "1", "null", '{"name":"cpu","volume":1}', '{"counter_volume":NaN}', "{", "")

values = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values |= st.sampled_from(["gauge", "1e3", "2015-06-01T12:00:00", "\0NaN"])
values |= st.dictionaries(st.text(max_size=3), values, max_size=2)
changes = st.dictionaries(st.sampled_from(FIELDS), values, max_size=2)
left_out = st.sets(st.sampled_from(FIELDS), max_size=1)


def written(changed: dict[str, Any], without: set[str]) -> str:
    """A sample as JSON, with these changes and without these fields."""
    sample = SAMPLE | changed
    return json.dumps({name: value for name, value in sample.items() if name not in without})


def shown(read: Draft | InvalidSample) -> object:
    """What can be compared of a draft, or of the reason why there is none."""
    if isinstance(read, InvalidSample):
        return read.field, read.message
    return msgspec.structs.astuple(read)


@given(st.lists(st.builds(written, changes, left_out), min_size=1, max_size=3))
def test_an_array_is_its_pieces(items: list[str]) -> None:
    """Whatever is read in one go is what both readers of single samples make of each."""
    found = read_array(f"[{','.join(items)}]".encode())

    if found is not None:
        for read in (read_v2, read_either):
            pieces = [read_item(item.encode(), read) for item in items]
            assert list(map(shown, pieces)) == list(map(shown, found))


def test_complete_samples_are_read_in_one_go() -> None:
    """Those that are refused for a value are among them."""
    items = [json.dumps(SAMPLE), json.dumps(SAMPLE | {"counter_volume": True})]

    found = read_array(f"[{','.join(items)}]".encode())

    assert found is not None
    assert [Draft, InvalidSample] == list(map(type, found))


@pytest.mark.parametrize("odd", ODD)
def test_all_others_are_left_to_the_pieces(odd: str) -> None:
    """One that is incomplete, or in another shape, or no JSON, suffices."""
    assert read_array(f"[{json.dumps(SAMPLE)},{odd}]".encode()) is None
