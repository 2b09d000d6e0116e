"""A sample as a line that can be recorded again: v2's shape, with nothing flattened or lost."""

import msgspec
from msgspec import Raw

from metering import times
from metering.api.reading.shapes import V2Sample
from metering.model import Sample

_encode = msgspec.json.Encoder().encode


def write_line(sample: Sample) -> bytes:
    """The sample as `read_v2` reads it, ended by a line feed; instants have `Z`."""
    series = sample.series
    line = V2Sample(
        counter_name=series.meter,
        counter_type=series.type.value,
        counter_unit=series.unit,
        counter_volume=Raw(format(sample.volume, "f")),
        resource_id=series.resource_id,
        project_id=series.project_id,
        user_id=series.user_id,
        source=series.source,
        message_id=sample.id,
        timestamp=times.write(sample.timestamp),
        recorded_at=times.write(sample.recorded_at),
        resource_metadata=Raw(series.metadata.text),
    )
    return _encode(line) + b"\n"
