"""What each parameter means and may be, by its name on the wire: one table, for documents."""

import re
from dataclasses import dataclass, field

from metering.api.document.schema import Schema
from metering.api.reading.calendars import ANCHOR, FILLS
from metering.api.reading.conditions import ALIASES, OPERATORS
from metering.api.reading.holding import FIRST, FOR_EVER, MAX_GAP
from metering.api.reading.literals import TYPES
from metering.api.reading.segments import ABSENT, MAX_BY, MERGES
from metering.api.reading.statistics import MAX_PERIOD_SECONDS
from metering.api.reading.usage import COMPARISONS
from metering.api.reading.windows import LAST, TO_DATE
from metering.calendar import WEEK_STARTS, Interval
from metering.query import FIELDS
from metering.usage.figures import CARDINALITY_FIELDS, FUNCTIONS, SECONDS_IN


@dataclass(frozen=True, slots=True)
class Parameter:
    """Its meaning, and what a schema says beyond its type: of a value, and of a list of them."""

    description: str
    bounds: Schema = field(default_factory=dict)
    list_bounds: Schema = field(default_factory=dict)
    is_required: bool = False


def _names(names: list[str]) -> Schema:
    """A field of that name, or a path into the metadata."""
    listed = "|".join(re.escape(name) for name in names)
    return {"pattern": rf"^({listed}|(resource_)?metadata\..+)$"}


_PARAMS = [*CARDINALITY_FIELDS, *SECONDS_IN]
_SERIES_FIELDS = [name for name, one in FIELDS.items() if one.of_series]

PARAMETERS = {
    "q.field": Parameter(
        "What a condition compares. The n-th q.field, q.op, q.value and q.type belong together; "
        "all conditions must hold, at most 50 unless [api] max_conditions says otherwise. Lists of "
        "meters and resources know fewer fields.",
        _names([*ALIASES, "search_offset"]),
    ),
    "q.op": Parameter(
        "How it compares, as often as q.field or not at all; eq if empty.",
        {"enum": [*OPERATORS, ""]},
    ),
    "q.value": Parameter("With what it compares, as often as q.field.", {}),
    "q.type": Parameter(
        "What a value of metadata is read as, as often as q.field or not at all; if empty, as a "
        "Python literal.",
        {"enum": [*TYPES, ""]},
    ),
    "limit": Parameter(
        "The most rows of the list. A list that was cut has a Link to the next page, but not as "
        "lines of JSON or CSV: these are all that were asked for.",
        {"minimum": 1},
    ),
    "marker": Parameter(
        "Where the last page ended; only as the Link of a list gave it.",
        {"pattern": "^[A-Za-z0-9_-]+$"},
    ),
    "unique": Parameter("Whether to show each meter name once, of no resource."),
    "direct": Parameter("Taken and ignored: every sample is kept when this answers."),
    "meter_links": Parameter("0: without links to the meters of a resource."),
    "period": Parameter(
        "Seconds of a row; 0 or none for one row. Periods begin at the lower bound of the "
        "timestamps, else at the oldest sample.",
        {"minimum": 0, "maximum": MAX_PERIOD_SECONDS},
    ),
    "start": Parameter(
        "The first instant, as a timestamp of q with ge; without an offset it is local to tz."
    ),
    "end": Parameter(
        "The instant after the last, as a timestamp of q with lt; without an offset it is local to "
        "tz."
    ),
    "tz": Parameter(
        "A time zone of the IANA database, as Europe/Berlin; UTC if none. If given, rows of "
        "statistics show their period in its local time too.",
        {"pattern": "^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$"},
    ),
    "interval": Parameter(
        "A row for each hour, day, and so on, of the calendar of tz. Needs start and end, excludes "
        "period.",
        {"enum": list(Interval)},
    ),
    "week_start": Parameter(
        "With interval: the day on which weeks begin, mon if none.", {"enum": list(WEEK_STARTS)}
    ),
    "anchor": Parameter(
        "With an interval of months, quarters or years: a date on which one begins. They begin on "
        "its day of the month, or on the last where the month is shorter.",
        {"pattern": f"^{ANCHOR}$"},
    ),
    "fill": Parameter(
        "With interval: null or 0 gives each group a row for periods without samples too, with "
        "that as its figures.",
        {"enum": list(FILLS)},
    ),
    "explain": Parameter(
        "1: the header Metering-Effort says how many tracks (a meter of a resource and owner) were "
        "read one by one, and how many pieces (months, days or hours that were summed up before) "
        "and samples. For administrators."
    ),
    "groupby": Parameter("A field; a row for each of its values.", _names(_SERIES_FIELDS)),
    "aggregate.func": Parameter(
        "A figure of each row; without any, the first five that v2 had.",
        {"enum": list(FUNCTIONS)},
    ),
    "aggregate.param": Parameter(
        "Of the n-th aggregate.func: the field whose values cardinality counts, the time of the "
        "unit of integral.",
        {"enum": [*_PARAMS, ""]},
    ),
    "func": Parameter(
        "The figure of each row, with its parameter after a slash; usage unless given.",
        {"pattern": f"^({'|'.join(FUNCTIONS)})(/({'|'.join(_PARAMS)}))?$"},
    ),
    "window": Parameter(
        "mtd (the default), today, wtd, qtd, ytd: up to now; yesterday, last_month; a month or a "
        "day, 2026-10 or 2026-10-14; or <start>/<end>.",
        {"pattern": rf"^({'|'.join([*TO_DATE, *LAST])}|\d{{4}}-\d{{2}}(-\d{{2}})?|[^/]+/[^/]+)$"},
    ),
    "compare": Parameter(
        "previous: rows also have the quantity of the window before, as much of it as has passed "
        "of this one.",
        {"enum": list(COMPARISONS)},
    ),
    "by": Parameter(
        "A field; a resource has another segment whenever its value changes. 1 to 8 of them.",
        _names(_SERIES_FIELDS),
        {"minItems": 1, "maxItems": MAX_BY},
        is_required=True,
    ),
    "merge": Parameter(
        "ranges unless given; values: one row for all segments of a stream with equal values.",
        {"enum": list(MERGES)},
    ),
    "absent": Parameter(
        "What metadata are that a description lacks: their last value, unless given, or null.",
        {"enum": list(ABSENT)},
    ),
    "max_gap": Parameter(
        "Seconds for which a reading of a gauge holds at most, and for which a segment goes on "
        "after the last reading, or none; [usage] max_gap unless given.",
        {"pattern": f"^({FOR_EVER}|{MAX_GAP})$"},
    ),
    "first": Parameter(
        "What the first reading of a counter is: where counting begins, or counted from zero.",
        {"enum": list(FIRST)},
    ),
    "meter": Parameter(
        "The name of a meter. In a path slashes are part of it, encoded or not, if a meter has it."
    ),
    "name": Parameter(
        "The name of a dimension: all of the path up to `/values`, slashes included, encoded or "
        "not.",
        _names(_SERIES_FIELDS),
    ),
    "prefix": Parameter("Only values that begin with this text."),
    "resource_id": Parameter(
        "The id of a resource. In a path it is all the rest, slashes included, encoded or not.",
        is_required=True,
    ),
    "at": Parameter(
        "The instant at which the resource is shown, now if none: as the newest sample up to it "
        "describes it. Without an offset it is UTC."
    ),
    "sample_id": Parameter(
        "The id of a sample: all the rest of the path, slashes included, encoded or not."
    ),
    "Idempotency-Key": Parameter(
        "Makes the ids that samples of the body lack, the same each time: a request that is sent "
        "again counts once."
    ),
}
