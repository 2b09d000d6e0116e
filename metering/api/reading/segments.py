"""Parameters of segments: by what streams are divided, within which stretch of time, and how."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from metering import times
from metering.api.framework.declare import Condition
from metering.api.reading.choices import read_choice
from metering.api.reading.conditions import SAMPLE_FIELDS, of_meter, read_conditions
from metering.api.reading.frames import framed, read_frame
from metering.api.reading.groups import read_group_fields
from metering.api.reading.holding import read_first, read_max_gap
from metering.api.services import Services
from metering.errors import InvalidQuery
from metering.model import Scope
from metering.usage.segments import SegmentQuery

# As those of samples, but none is dropped; who asks of single samples is told of them by name.
_FIELDS = replace(SAMPLE_FIELDS, empty_drops=False, drops_nothing=True)
MAX_BY = 8
MERGES = ("ranges", "values")
ABSENT = ("carry", "null")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters as they were sent."""

    q: Iterable[Condition] = ()
    start: str | None = None
    end: str | None = None
    tz: str | None = None
    by: Iterable[str] = ()
    merge: str | None = None
    absent: str | None = None
    max_gap: str | None = None
    first: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The fields as they were named, each once."""
        return tuple(dict.fromkeys(self.by))


def read_segments(asked: Asked, meter: str, scope: Scope, services: Services) -> SegmentQuery:
    """The question for the segments of a meter.

    Raises:
        InvalidQuery: what makes no sense; it is named.
        Unauthorized: a caller confined to a project names another.
    """
    if not asked.names:
        raise InvalidQuery("by is mandatory: at least one field", field="by")
    found = read_conditions(asked.q, _FIELDS, scope, services.config)
    conditions = framed(of_meter(meter, found), read_frame(asked.start, asked.end, asked.tz))
    return SegmentQuery(
        scope=scope,
        by=read_group_fields(asked.names, "by", MAX_BY),
        now=times.now(),
        filter=conditions.filter,
        range=conditions.range,
        max_gap=read_max_gap(asked.max_gap, services.usage),
        first_counts=read_first(asked.first),
        carries=read_choice(asked.absent, ABSENT, "absent", "carry") == "carry",
        merges=read_choice(asked.merge, MERGES, "merge", "ranges") == "values",
        horizons=services.storage.horizons(),
    )
