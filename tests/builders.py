"""Valid objects with some things changed, around fixed instants: what every test starts from."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from metering.decimals import EXACT, canonical
from metering.metadata import Metadata
from metering.model import MeterType, Sample, Series, Submission, Track
from metering.query import FIELDS, Field, metadata_field
from metering.summary import Reading

NOON = datetime(2015, 6, 1, 12, tzinfo=UTC)
LATER = datetime(2015, 6, 2, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

_OF_SERIES = {field.name for field in fields(Track)} | {"metadata"}


def after_noon(seconds: float) -> datetime:
    """The instant so long after NOON; thousandths of seconds are exact."""
    return NOON + timedelta(milliseconds=round(seconds * 1000))


def field_of(name: str) -> Field:
    """The field of that name; `metadata.` begins that of a path into the metadata."""
    path = name.removeprefix("metadata.")
    return FIELDS[name] if path == name else metadata_field(path)


def series(**changes: Any) -> Series:
    """A series of a gauge; metadata may be given as a tree."""
    metadata = changes.pop("metadata", {})
    if isinstance(metadata, Mapping):
        metadata = Metadata.of(metadata)
    values = {
        "source": "openstack",
        "meter": "cpu",
        "type": MeterType.GAUGE,
        "unit": "core",
        "resource_id": "vm-1",
        "project_id": "p-1",
        "user_id": "u-1",
    }
    return Series(Track(**values | changes), metadata)


def sample(**changes: Any) -> Sample:
    """A sample of one core at NOON; the fields of its series are given beside its own."""
    of_series = {name: changes.pop(name) for name in _OF_SERIES & changes.keys()}
    values = {"id": "s-1", "timestamp": NOON, "volume": 1, "recorded_at": LATER}
    values |= {"series": series(**of_series)} | changes
    return Sample(**values | {"volume": Decimal(values["volume"])})


def submission(*, completed: Collection[str] = (), **changes: Any) -> Submission:
    """A submission of such a sample, in which the server filled in some fields."""
    return Submission(sample(**changes), frozenset(completed))


def readings(*pairs: tuple[float, Any]) -> list[Reading]:
    """Readings from (seconds after NOON, volume), as they stand."""
    return [Reading(after_noon(seconds), Decimal(volume)) for seconds, volume in pairs]


def rounded(number: Fraction) -> Decimal:
    """The number to 12 decimal places, half-even, by way of fractions."""
    return canonical(EXACT.scaleb(Decimal(round(number * 10**12)), -12))
