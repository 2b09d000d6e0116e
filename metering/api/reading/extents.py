"""Parameters of what is found among series: `q`, a meter, and a stretch of time."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from metering.api.framework.declare import Condition
from metering.api.reading.conditions import Fields, of_meter, read_conditions
from metering.api.reading.frames import framed, read_frame
from metering.config import ApiConfig
from metering.errors import InvalidQuery
from metering.model import Scope
from metering.query import FIELDS, ExtentQuery, fields_of

# As those of samples, but for what differs from sample to sample of a series.
SERIES_FIELDS = Fields(
    frozenset(name for name, field in FIELDS.items() if field.of_series), drops_nothing=True
)
_FIELDS = replace(SERIES_FIELDS, names=SERIES_FIELDS.names | {"timestamp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The parameters as they were sent."""

    q: Iterable[Condition] = ()
    meter: str | None = None
    start: str | None = None
    end: str | None = None
    tz: str | None = None


def read_extents(asked: Asked, scope: Scope, config: ApiConfig) -> ExtentQuery:
    """The question for series that match, and have samples with start <= timestamp < end.

    Raises:
        InvalidQuery: what makes no sense; it is named.
        Unauthorized: a caller confined to a project names another.
    """
    found = read_conditions(asked.q, _FIELDS, scope, config)
    if not all(one.of_series for one in fields_of(found.filter)):
        raise InvalidQuery("the timestamp cannot be compared by ne here", field="q.op")
    if asked.meter is not None:
        found = of_meter(asked.meter, found)
    found = framed(found, read_frame(asked.start, asked.end, asked.tz))
    return ExtentQuery(scope=scope, filter=found.filter, range=found.range)
