"""Groups: by which fields of series samples are told apart, and the values that they show."""

from collections.abc import Collection

from metering.errors import InvalidQuery
from metering.metadata import as_text
from metering.model import Rollup, Series, Track
from metering.query import FIELDS, Field, Kind, metadata_field

MAX_GROUP_FIELDS = 10

Group = tuple[str | None, ...]


def read_group_field(name: str, parameter: str = "groupby") -> Field:
    """The field of that name: any field of a series, `metadata.x` or `resource_metadata.x`.

    Raises:
        InvalidQuery: samples cannot be grouped by it; the parameter is named.
    """
    for prefix in ("metadata.", "resource_metadata."):
        if name.startswith(prefix) and len(name) > len(prefix):
            return metadata_field(name.removeprefix(prefix))
    field = FIELDS.get(name)
    if field is None or not field.of_series:
        message = f"Unknown argument: \"{{'{name[:100]}'}}\": Invalid {parameter} fields"
        raise InvalidQuery(message, field=parameter)
    return field


def read_group_fields(
    names: Collection[str], parameter: str = "groupby", most: int = MAX_GROUP_FIELDS
) -> tuple[Field, ...]:
    """The fields of these names.

    Raises:
        InvalidQuery: too many, or one by which samples cannot be grouped; the parameter is named.
    """
    if len(names) > most:
        raise InvalidQuery(f"at most {most} {parameter} fields", field=parameter)
    return tuple(read_group_field(name, parameter) for name in names)


def group_of(series: Series | Track | Rollup, fields: tuple[Field, ...]) -> Group:
    """The values of these fields."""
    return tuple(text_of(series, field) for field in fields)


def text_of(series: Series | Track | Rollup, field: Field) -> str | None:
    """The value as text, as v2 flattens it; null where there is none. Only series have metadata."""
    if not isinstance(series, Series) or field.kind is not Kind.METADATA:
        value: str | None = getattr(series, field.name)
        return value
    found = series.metadata.find(field.path)
    return None if not found or found[0] is None else as_text(found[0])
