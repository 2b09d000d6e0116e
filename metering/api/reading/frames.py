"""`start`, `end` and `tz`: the stretch of time that a question is about, by which clocks."""

from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from metering.api.reading.conditions import Conditions
from metering.calendar import first_instant, read_zone
from metering.errors import InvalidQuery, InvalidRequest
from metering.times import EVER, Range, read_wall

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The instants from `start` up to `end`, where these were given, and the zone `tz`, if it was.

    Answers show local time where there is a `tz`; whatever has no offset is local to `zone`.
    """

    range: Range = EVER
    tz: ZoneInfo | None = None

    @property
    def zone(self) -> ZoneInfo:
        """UTC, if no other was given."""
        return self.tz or _UTC


def read_frame(start: str | None = None, end: str | None = None, tz: str | None = None) -> Frame:
    """The frame of these parameters.

    Raises:
        InvalidQuery: no time, or none in the years 1 to 9999 of UTC; no zone. It is named.
    """
    frame = Frame(tz=None if tz is None else read_zone(tz))
    bounds = (_read_instant(text, frame.zone, of) for of, text in (("start", start), ("end", end)))
    return replace(frame, range=Range(*bounds))


def framed(asked: Conditions, frame: Frame) -> Conditions:
    """The conditions, within the frame: as if `q` had its bounds too, but for `search_offset`.

    No sample is outside of them, so that durations, which keep to `lower` and `upper`, do anyway.
    """
    anchor = Range(asked.anchor) & frame.range
    return replace(asked, range=asked.range & frame.range, anchor=anchor.start)


def _read_instant(text: str | None, zone: ZoneInfo, name: str) -> datetime | None:
    """The instant; without an offset, the first at which clocks of the zone show that or more."""
    if text is None:
        return None
    try:
        at = read_wall(text, name)
        return at if at.tzinfo else first_instant(at, zone)
    except InvalidRequest as error:
        raise InvalidQuery(error.message, field=name) from None
    except OverflowError:
        message = f"{name} leads out of the calendar: '{text[:100]}' in {zone}"
        raise InvalidQuery(message, field=name) from None
