"""The questions: fields, operators, filter trees, and what is asked of a store.

A filter is a tree of plain values. It is checked when it is made from foreign input
(`metering.api.reading.conditions`), and answered by `metering.matching`, the same for every driver.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from metering.cuts import Cuts
from metering.errors import InvalidQuery
from metering.model import MeterType, Scope, Subject
from metering.times import EVER, Range, Windows

MAX_PATH_LENGTH = 1_000


class Kind(StrEnum):
    """What values a field has."""

    TEXT = "text"
    NUMBER = "number"
    INSTANT = "instant"
    METADATA = "metadata"


@dataclass(frozen=True, slots=True)
class Field:
    """Something of a sample that can be asked for; `path` is set for metadata only.

    Fields of a series are the same for all its samples, so a driver can decide on them once.
    """

    name: str
    kind: Kind
    of_series: bool
    path: str = ""

    @property
    def of_track(self) -> bool:
        """Whether it is the same for all samples of a track: of a series, and not metadata."""
        return self.of_series and self.kind is not Kind.METADATA


FIELDS = {
    field.name: field
    for field in (
        Field("source", Kind.TEXT, of_series=True),
        Field("meter", Kind.TEXT, of_series=True),
        Field("type", Kind.TEXT, of_series=True),
        Field("unit", Kind.TEXT, of_series=True),
        Field("resource_id", Kind.TEXT, of_series=True),
        Field("project_id", Kind.TEXT, of_series=True),
        Field("user_id", Kind.TEXT, of_series=True),
        Field("id", Kind.TEXT, of_series=False),
        Field("volume", Kind.NUMBER, of_series=False),
        Field("timestamp", Kind.INSTANT, of_series=False),
        Field("recorded_at", Kind.INSTANT, of_series=False),
    )
}


def metadata_field(path: str) -> Field:
    """The field of a dotted path in the metadata.

    Raises:
        InvalidQuery: longer than any path that is worth the walk, whose cost grows with its dots.
    """
    if len(path) > MAX_PATH_LENGTH:
        message = f"a metadata path has at most {MAX_PATH_LENGTH} characters"
        raise InvalidQuery(message, field="metadata")
    return Field(f"metadata.{path}", Kind.METADATA, of_series=True, path=path)


class Operator(StrEnum):
    """How a field is compared.

    NE is the exact opposite of EQ, so it matches an absent field. IN is equality with one of a set
    of texts, numbers and instants; how many makes no difference. MATCHES searches a text for a
    regular expression of RE2, whose time is linear in the text.
    """

    EQ = "eq"
    NE = "ne"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    IN = "in"
    MATCHES = "matches"


Value = str | int | Decimal | bool | datetime | None | list[Any] | dict[str, Any] | frozenset[Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A leaf: a field, how, and with what."""

    field: Field
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class AllOf:
    """True where every part is; without parts always."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True where some part is; without parts never."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the part is not, also where a field is absent."""

    part: "Filter"


Filter = Comparison | AllOf | AnyOf | Not

EVERYTHING = AllOf(())
NOTHING = AnyOf(())


def all_of(*filters: Filter) -> Filter:
    """What matches if all of these do."""
    parts = [part for one in filters for part in (one.parts if isinstance(one, AllOf) else (one,))]
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def fields_of(filter_: Filter) -> Iterator[Field]:
    """The fields that a filter compares, each as often as it does."""
    match filter_:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from fields_of(part)
        case Not(part):
            yield from fields_of(part)
        case Comparison(field):
            yield field


def asks_metadata(filter_: Filter, fields: Iterable[Field] = ()) -> bool:
    """Whether the filter, or one of the fields, asks for what tells series of a track apart."""
    return any(field.kind is Kind.METADATA for field in (*fields_of(filter_), *fields))


def require_series_fields(filter_: Filter) -> None:
    """Refuse a filter that asks of single samples.

    Raises:
        InvalidQuery: it does.
    """
    for field in fields_of(filter_):
        if not field.of_series:
            message = f"of {field.name} only samples can be asked, not what lies between them"
            raise InvalidQuery(message, field=field.name)


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place between samples in their order: just after the sample with this time and key."""

    timestamp: datetime
    key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleQuery:
    """Samples in scope, in a half-open range, that match; newest first from a position on."""

    scope: Scope
    filter: Filter = EVERYTHING
    range: Range = EVER
    after: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtentQuery:
    """The series that match and have a sample in scope and range; without `by_series`, the tracks.

    The filter may use fields of series only, and without `by_series` no metadata. `as_of` leaves
    out samples that were recorded later, so that all pages of a list show the same moment. `lazily`
    suits a caller that may stop after a few resources; to read all of them then costs a little
    more. With `last_only` an extent is that of the last sample alone, which is cheaper.
    """

    scope: Scope
    filter: Filter = EVERYTHING
    range: Range = EVER
    as_of: datetime | None = None
    lazily: bool = False
    last_only: bool = False
    by_series: bool = True

    def __post_init__(self) -> None:
        """Refuse a filter on metadata where series are not told apart."""
        _require_by_series(self.filter, by_series=self.by_series)


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryQuery:
    """Summaries of the samples in scope and range that match, cut into windows.

    One for each series and window; without `by_series` for each track, which is cheaper, and then
    the filter may use no metadata.
    """

    scope: Scope
    windows: Windows
    filter: Filter = EVERYTHING
    range: Range = EVER
    by_series: bool = True

    def __post_init__(self) -> None:
        """Refuse a filter on metadata where series are not told apart."""
        _require_by_series(self.filter, by_series=self.by_series)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamQuery:
    """Streams with a series that matches, in scope: the stretches in range, and the one before it.

    Stretches are of series; without `by_series` of tracks, which is cheaper, and then the filter
    may use no metadata. It may use fields of series only. `before` and `after` are the meter types
    for which the reading before the range, and the one after it, are needed. For other types a
    store may leave them out, as if there were none: to find them costs as much as all that is
    sealed.
    """

    scope: Scope
    cuts: Cuts
    filter: Filter = EVERYTHING
    range: Range = EVER
    before: Collection[MeterType] = frozenset(MeterType)
    after: Collection[MeterType] = frozenset(MeterType)
    by_series: bool = True

    def __post_init__(self) -> None:
        """Refuse a filter on metadata where series are not told apart."""
        _require_by_series(self.filter, by_series=self.by_series)


def told_apart(query: ExtentQuery | SummaryQuery | StreamQuery, subject: Subject) -> Subject:
    """What the answer is about: the series, or its track if series are not told apart."""
    return subject if query.by_series else subject.track


def _require_by_series(filter_: Filter, *, by_series: bool) -> None:
    if not by_series and asks_metadata(filter_):
        raise ValueError("a filter on metadata tells series apart")
