"""Groups: the values of the fields that samples are grouped by, as text."""

from metering.metadata import as_text
from metering.model import Rollup, Series, Subject
from metering.query import Field, Kind

Group = tuple[str | None, ...]


def group_of(subject: Subject | Rollup, fields: tuple[Field, ...]) -> Group:
    """The values of these fields."""
    return tuple(text_of(subject, field) for field in fields)


def text_of(subject: Subject | Rollup, field: Field) -> str | None:
    """The value as text, as v2 flattens it; null where there is none. Only series have metadata."""
    if not isinstance(subject, Series) or field.kind is not Kind.METADATA:
        value: str | None = getattr(subject, field.name)
        return value
    found = subject.metadata.find(field.path)
    return None if not found or found[0] is None else as_text(found[0])
