"""Names of fields to group by: those of series, and paths into the metadata."""

from collections.abc import Collection

from metering.errors import InvalidQuery
from metering.query import FIELDS, Field, metadata_field

MAX_GROUP_FIELDS = 10


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
