"""Answers as clients see them: frozen dataclasses, from which JSON, XML and their types follow.

The v2 rows keep v2's names, naive UTC timestamps and flat text metadata. A field that
is UNSET is absent from the answer.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from metering.api.forms.csv import DecimalText


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBody:
    """A link: where to, and as what."""

    href: str
    rel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterBody:
    """A meter of a resource."""

    name: str
    type: str
    unit: str
    resource_id: str | None
    project_id: str | None
    user_id: str | None
    source: str | None
    meter_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OldSampleBody:
    """A sample, in the names of v2's first year; below /v2/meters/{meter}."""

    source: str
    counter_name: str
    counter_type: str
    counter_unit: str
    counter_volume: Decimal
    user_id: str | None
    project_id: str | None
    resource_id: str
    timestamp: str
    recorded_at: str
    resource_metadata: dict[str, str | None]
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBody:
    """A sample; below /v2/samples."""

    id: str
    meter: str
    type: str
    unit: str
    volume: Decimal
    user_id: str | None
    project_id: str | None
    resource_id: str
    source: str
    timestamp: str
    recorded_at: str
    metadata: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceBody:
    """A resource as its newest sample describes it."""

    resource_id: str
    project_id: str | None
    user_id: str | None
    first_sample_timestamp: str
    last_sample_timestamp: str
    metadata: dict[str, str]
    links: list[LinkBody]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailBody:
    """What a quantity is made of; null where it is made of something else."""

    unit: str
    measured: Decimal | None
    interpolated: Decimal | None
    resets: int | None
    unit_seconds: Decimal | None
    observed_seconds: Decimal | None
    quality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactDetailBody:
    """The same with decimals as text."""

    unit: str
    measured: DecimalText | None
    interpolated: DecimalText | None
    resets: int | None
    unit_seconds: DecimalText | None
    observed_seconds: DecimalText | None
    quality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanBody:
    """A half-open range of time, with `Z`."""

    start: str
    end: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentBody:
    """A resource while some values were equal; of merged ones, `ranges` and all their samples."""

    resource_id: str
    source: str
    type: str
    segment: int
    by: dict[str, str | None]
    start: str
    end: str
    ranges: list[SpanBody] | UnsetType = UNSET
    duration: DecimalText
    unit: str
    count: int
    sum: DecimalText
    min: DecimalText | None
    max: DecimalText | None
    usage: DecimalText
    first_sample: str | None
    last_sample: str | None
    detail: ExactDetailBody


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceBody:
    """A project, user or source, and the timestamps of its first and last sample, with `Z`."""

    id: str
    first_sample_timestamp: str
    last_sample_timestamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionBody:
    """A name by which samples can be filtered and grouped."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionValueBody:
    """What a dimension is for some samples; null where they lack it."""

    value: str | None


class RevisionBody(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """A description of a resource, in force from an instant up to another, or still."""

    from_: str
    to: str | None
    metadata: Annotated[Raw, Meta(extra_json_schema={"type": "object"})]
    project_id: str | None
    user_id: str | None
    changed: list[str]
    sample_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsBody:
    """One period of one group; the five figures are there unless others were asked for.

    Of a period without samples that was filled with null, all but the count is null.
    """

    groupby: dict[str, str | None] | None
    unit: str
    min: Decimal | UnsetType | None = UNSET
    max: Decimal | UnsetType | None = UNSET
    avg: Decimal | UnsetType | None = UNSET
    sum: Decimal | UnsetType | None = UNSET
    count: Decimal | UnsetType | None = UNSET
    duration: Decimal | None
    duration_start: str | None
    duration_end: str | None
    period: Decimal
    period_start: str
    period_end: str
    period_start_local: str | UnsetType = UNSET
    period_end_local: str | UnsetType = UNSET
    partial: bool | UnsetType = UNSET
    aggregate: dict[str, Decimal | None] | UnsetType = UNSET
    detail: DetailBody | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageWindowBody:
    """A window of usage: from start up to end, so many hours long, by the clocks of a zone."""

    name: str
    start: str
    end: str
    tz: str
    hours: DecimalText


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRowBody:
    """A quantity of a group, in its own unit; of no type if it is reckoned alike for all."""

    groupby: dict[str, str | None]
    meter: str
    type: str | None
    func: str
    quantity: DecimalText | None
    unit: str | None
    previous: DecimalText | None
    quality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageBody:
    """What was used in a window, as it was known at an instant; complete once it is over."""

    window: UsageWindowBody
    as_of: str
    complete: bool
    rows: list[UsageRowBody]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilitiesBody:
    """What the API and the storage driver can do."""

    api: dict[str, bool]
    storage: dict[str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionBody:
    """A sample of a batch that was not stored, and why."""

    index: int
    code: str
    field: str | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictBody:
    """A sample of a batch whose source and id already hold another sample."""

    index: int
    source: str
    id: str
    existing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictsBody:
    """What became of each sample of a batch; those not listed were accepted."""

    accepted: int
    duplicates: int
    rejected: list[RejectionBody]
    conflicts: list[ConflictBody]
