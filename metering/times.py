"""Instants and half-open ranges of them: the one place where time is read and written.

Inside the service an instant is an aware `datetime` in UTC with whole milliseconds, which is what
BSON keeps. Finer digits are cut here, never rounded up: a rounded instant could cross an hour.
Every range is start <= t < end.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import pairwise

import iso8601
import msgspec

from metering.errors import InvalidRequest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST = datetime(1, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

_LONGEST_TEXT = 64
_UP_TO_MILLISECONDS = len("2026-11-23T00:00:00.000")
_FINER_THAN_MICROSECONDS = re.compile(r"([.,][0-9]{6})[0-9]+")
_ASCII_TIME = re.compile(r"[0-9TtZz:.,+\- ]+")
# An offset as it arrives if its sign was not encoded.
_WITHOUT_ITS_PLUS = re.compile(r"[0-9]{4}-[0-9Tt:.\- ]+ [0-9]{2}:?[0-9]{2}")
_USUAL = re.compile(
    r"(?P<naive>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3}([0-9]{3})?)?)"
    r"(Z|\+00:00)?"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_WEEKDAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_CLOCK = "(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})"
# As C's asctime, HTTP's headers and Ruby's Time#to_s write an instant.
_SPELLED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_WEEKDAY} {_MONTH} {{1,2}}(?P<day>[0-9]{{1,2}}) {_CLOCK} (?P<year>[0-9]{{4}})",
        rf"{_WEEKDAY}, (?P<day>[0-9]{{1,2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK} GMT",
        rf"(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}) {_CLOCK} (?P<offset>UTC|[+-][0-9]{{4}})",
    )
)


def now() -> datetime:
    """The current instant."""
    return truncate(datetime.now(UTC))


def truncate(instant: datetime) -> datetime:
    """The instant cut to whole milliseconds (floor, as v2 and BSON do)."""
    finer = instant.microsecond % 1000
    return instant.replace(microsecond=instant.microsecond - finer) if finer else instant


def following(instant: datetime) -> datetime | None:
    """The next instant, a millisecond later; none after the last of the year 9999."""
    return instant + MILLISECOND if instant < LAST else None


def read(text: str, field: str = "timestamp") -> datetime:
    """The instant that an ISO 8601 text names; without an offset it is UTC.

    Takes what Ceilometer's v2 API took in a `q`: year, month or date alone, `T` or a blank, basic
    format, one-digit parts. An offset is converted, which v2 did not do (docs/compatibility.rst).

    Raises:
        InvalidRequest: not a time, or outside the years 1 to 9999 once it is UTC.
    """
    usual = _usual(text) if len(text) <= _LONGEST_TEXT else None
    if usual is not None:
        return usual
    at = _parsed(text)
    if at is None:
        raise _not_a_time(text, field)
    try:
        return truncate((at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC))
    except OverflowError:
        raise _not_a_time(text, field) from None


def read_sent(text: str, field: str) -> datetime:
    """The instant of a sample: as of `read`, or as other programs than ours spell it out.

    These forms can be taken in one way only, and v2 took them: `Thu Sep 24 11:01:34 2015` (UTC),
    `Thu, 24 Sep 2015 11:01:34 GMT`, `2015-09-24 11:01:34 UTC` and `2015-09-24 11:01:34 +0200`.
    Which day of the week they name makes no difference.

    Raises:
        InvalidRequest: as of `read`.
    """
    try:
        return read(text, field)
    except InvalidRequest:
        found = _spelled(text) if len(text) <= _LONGEST_TEXT else None
        if found is None:
            raise
    try:
        return read(_in_iso(found), field)
    except InvalidRequest:
        raise _not_a_time(text, field) from None


def _spelled(text: str) -> dict[str, str] | None:
    matches = (pattern.fullmatch(text) for pattern in _SPELLED)
    return next((match.groupdict() for match in matches if match), None)


def _in_iso(parts: dict[str, str]) -> str:
    offset = parts.get("offset", "UTC").replace("UTC", "Z")
    date = parts.get("date")
    if date is None:
        month = _MONTHS.index(parts["month"]) + 1
        date = f"{parts['year']}-{month:02}-{parts['day']:0>2}"
    return f"{date}T{parts['clock']}{offset}"


def read_wall(text: str, field: str) -> datetime:
    """What an ISO 8601 text names: an instant if it has an offset, else what a clock shows, naive.

    Raises:
        InvalidRequest: as of `read`.
    """
    at = _parsed(text)
    if at is None or at.tzinfo:
        return read(text, field)
    return truncate(at)


@lru_cache(maxsize=1024)
def _usual(text: str) -> datetime | None:
    """The instant of a text as nearly every sample has it: in much less than the library's time.

    Remembered, because meters that are polled together have the same.
    """
    usual = _USUAL.fullmatch(text)
    if usual is None:
        return None
    try:
        return truncate(datetime.fromisoformat(f"{usual['naive']}+00:00"))
    except ValueError:
        return None


def _parsed(text: str) -> datetime | None:
    """The time as it is written, if it is one."""
    if len(text) > _LONGEST_TEXT or not _ASCII_TIME.fullmatch(text):
        return None
    try:
        # The library rounds what is finer than microseconds; here nothing is rounded up.
        cut = _FINER_THAN_MICROSECONDS.sub(r"\1", text)
        return iso8601.parse_date(cut, default_timezone=None)
    except (iso8601.ParseError, ValueError, OverflowError):
        return None


def _not_a_time(text: str, field: str) -> InvalidRequest:
    message = (
        f"Invalid input for field/attribute {field}. Value: '{text[:100]}'. "
        "invalid timestamp format"
    )
    if len(text) <= _LONGEST_TEXT and _WITHOUT_ITS_PLUS.fullmatch(text):
        message += ": in a URL, + is written %2B"
    return InvalidRequest(message, field=field)


def write_naive(instant: datetime) -> str:
    """ISO 8601 without a zone, a fraction of six digits only where there is one: v2's form."""
    return _written(instant).removesuffix("Z")


def write(instant: datetime) -> str:
    """ISO 8601 with `Z`, a fraction of three digits only where there is one."""
    written = _written(instant)
    return f"{written[:_UP_TO_MILLISECONDS]}Z" if instant.microsecond else written


def _written(instant: datetime) -> str:
    """ISO 8601 with `Z` and six digits, if any, in a tenth of the time of `isoformat`."""
    written: str = msgspec.to_builtins(instant)
    return written


def write_local(instant: datetime, zone: tzinfo) -> str:
    """ISO 8601 with the offset of the zone, a fraction of six digits only where there is one.

    Raises:
        OverflowError: there it is not in the years 1 to 9999.
    """
    return instant.astimezone(zone).isoformat()


def to_milliseconds(instant: datetime) -> int:
    """Whole milliseconds since 1970-01-01T00:00Z."""
    return (instant - EPOCH) // MILLISECOND


def from_milliseconds(milliseconds: int) -> datetime:
    """The instant that many milliseconds after 1970-01-01T00:00Z."""
    return EPOCH + MILLISECOND * milliseconds


class Range(msgspec.Struct, frozen=True):
    """The instants t with start <= t < end; a bound that is None does not limit."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def is_unbounded(self) -> bool:
        """Whether neither side is limited."""
        return self.start is None and self.end is None

    @property
    def is_empty(self) -> bool:
        """Whether no instant can be inside."""
        return self.start is not None and self.end is not None and self.start >= self.end

    def __contains__(self, instant: datetime) -> bool:
        """Whether start <= instant < end."""
        return (self.start is None or self.start <= instant) and (
            self.end is None or instant < self.end
        )

    def __and__(self, other: "Range") -> "Range":
        """The instants that lie in both."""
        start, end = self.start, self.end
        if start is None or (other.start is not None and other.start > start):
            start = other.start
        if end is None or (other.end is not None and other.end < end):
            end = other.end
        return Range(start, end)


EVER = Range()


@dataclass(frozen=True, slots=True)
class FixedWindows:
    """Windows of equal length, half-open, one of which begins at `anchor`, without end either way.

    They are found by arithmetic and never listed: one-second windows over thirty years cost
    nothing where there are no samples.
    """

    anchor: datetime
    period_seconds: int

    def containing(self, instant: datetime) -> Range:
        """The window that holds the instant.

        Raises:
            OverflowError: the window would reach beyond the year 9999.
        """
        length = timedelta(seconds=self.period_seconds)
        start = self.anchor + (instant - self.anchor) // length * length
        return Range(start, start + length)


@dataclass(frozen=True, slots=True)
class WholeRange:
    """The one window of a question that is not sliced; it holds the question's range."""

    range: Range

    def containing(self, instant: datetime) -> Range:  # noqa: ARG002 - the same for every instant
        """The whole range."""
        return self.range


@dataclass(frozen=True, slots=True)
class ListedWindows:
    """Windows of any lengths, one after the other: each begins at one of the edges, in order.

    The last edge is the end of the last window. Without edges there is no window.
    """

    edges: tuple[datetime, ...] = ()

    def __iter__(self) -> Iterator[Range]:
        """Each window, in time order."""
        return (Range(start, end) for start, end in pairwise(self.edges))

    def containing(self, instant: datetime) -> Range:
        """The window that holds the instant.

        Raises:
            ValueError: it is before the first or after the last.
        """
        after = bisect_right(self.edges, instant)
        if not 0 < after < len(self.edges):
            raise ValueError(f"no window holds {instant}")
        return Range(self.edges[after - 1], self.edges[after])


Windows = FixedWindows | WholeRange | ListedWindows
