"""Names of fields to group by."""

import pytest

from metering.api.reading.groups import read_group_field
from metering.errors import InvalidQuery
from metering.query import FIELDS, Kind


@pytest.mark.parametrize("name", ["source", "meter", "type", "unit", "resource_id", "user_id"])
def test_group_fields(name: str) -> None:
    """Every field of a series groups."""
    assert FIELDS[name] == read_group_field(name)


def test_group_fields_of_metadata() -> None:
    """Both prefixes mean the same path."""
    fields = [read_group_field(f"{prefix}metadata.a.b") for prefix in ("", "resource_")]

    assert [(Kind.METADATA, "a.b")] * 2 == [(field.kind, field.path) for field in fields]


@pytest.mark.parametrize("name", ["", "id", "volume", "timestamp", "user", "metadata.", "metadata"])
def test_group_fields_that_are_none(name: str) -> None:
    """A field of single samples, or none at all, is refused."""
    with pytest.raises(InvalidQuery, match="Invalid groupby fields"):
        read_group_field(name)
