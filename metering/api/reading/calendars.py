"""`interval`, `week_start`, `anchor` and `fill`: windows as a calendar has them."""

import re
from dataclasses import dataclass
from datetime import date

from metering.api.reading.choices import read_choice
from metering.api.reading.frames import Frame
from metering.calendar import (
    FIRST_OF_A_YEAR,
    MONTHS,
    WEEK_STARTS,
    Calendar,
    CalendarWindows,
    Interval,
)
from metering.errors import InvalidQuery
from metering.times import Range
from metering.usage.statistics import Fill

# What `fill` may be, and how a row without samples looks then.
FILLS = {"none": None, "null": Fill.NULL, "0": Fill.ZERO}
ANCHOR = "[0-9]{4}-[0-9]{2}-[0-9]{2}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slicing:
    """How a range is cut into windows, and whether windows without samples have rows."""

    calendar: Calendar
    fill: Fill | None

    def windows(self, range_: Range) -> CalendarWindows:
        """The windows of a range that has both bounds.

        Raises:
            InvalidQuery: too many, or some are not in the years 1 to 9999.
        """
        assert range_.start  # noqa: S101 - `read_slicing` saw to it
        assert range_.end  # noqa: S101
        try:
            return self.calendar.windows(range_.start, range_.end)
        except OverflowError:
            message = "Invalid interval: its windows lead out of the calendar"
            raise InvalidQuery(message, field="interval") from None


def read_slicing(
    frame: Frame,
    *,
    interval: str | None,
    week_start: str | None,
    anchor: str | None,
    fill: str | None,
) -> Slicing | None:
    """What these parameters ask for; None without `interval`.

    Raises:
        InvalidQuery: one that makes no sense, or not without another; it is named.
    """
    if interval is None:
        for name, value in (("week_start", week_start), ("anchor", anchor), ("fill", fill)):
            if value is not None:
                raise InvalidQuery(f"{name} needs interval", field=name)
        return None
    chosen = Interval(read_choice(interval, list(Interval), "interval", ""))
    for name, bound in (("start", frame.range.start), ("end", frame.range.end)):
        if bound is None:
            raise InvalidQuery(f"interval needs {name}", field=name)
    calendar = Calendar(
        interval=chosen,
        zone=frame.zone,
        first_weekday=WEEK_STARTS[read_choice(week_start, WEEK_STARTS, "week_start", "mon")],
        anchor=_read_anchor(anchor, chosen),
    )
    return Slicing(calendar=calendar, fill=FILLS[read_choice(fill, FILLS, "fill", "none")])


def _read_anchor(text: str | None, interval: Interval) -> date:
    if text is None:
        return FIRST_OF_A_YEAR
    if interval not in MONTHS:
        message = f"anchor is for intervals of {', '.join(MONTHS)}, not {interval}"
        raise InvalidQuery(message, field="anchor")
    try:
        if re.fullmatch(ANCHOR, text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidQuery(f"anchor must be a date, YYYY-MM-DD, not '{text[:100]}'", field="anchor")
