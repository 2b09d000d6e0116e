"""Pages of a list: a marker says where the last page ended, a link leads to the next.

A marker is opaque to clients: the sort key of the last row, so that rows that arrive meanwhile
neither shift a page nor repeat in it.
"""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

import msgspec

from metering.api.forms.sources import closed_after
from metering.api.framework.endpoint import Call
from metering.errors import InvalidQuery

# About what uWSGI takes; as a header it would take 64 KiB, and send the rest of the bytes alone.
_LONGEST_URL = 30_000

T = TypeVar("T")


def write_marker(*parts: object) -> str:
    """The marker for a sort key of texts, numbers and null."""
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def read_marker(marker: str, types: Any, make: Callable[[Any], Any] = tuple) -> Any:
    """The sort key that a marker carries: what is made of its parts, a tuple of that type.

    Raises:
        InvalidQuery: it is none of ours.
    """
    try:
        padded = marker.encode() + b"=" * (-len(marker) % 4)
        key = base64.b64decode(padded, b"-_", validate=True)
        return make(msgspec.json.decode(key, type=types))
    except (ValueError, OverflowError, RecursionError):
        message = "marker must be that of a next link"
        raise InvalidQuery(message, field="marker") from None


def cut(rows: Iterable[T], limit: int) -> tuple[list[T], bool]:
    """The first rows up to the limit, and whether there are more; the source is closed."""
    with closed_after(rows) as source:
        page = list(islice(source, limit))
        return page, next(source, None) is not None


@dataclass(frozen=True, slots=True)
class Ascending(Generic[T]):
    """How the rows of a list ascend: by a key, which is a tuple of that type."""

    key: Callable[[T], tuple[Any, ...]]
    type: Any


def page_of(
    call: Call, rows: Iterable[T], order: Ascending[T], *, after: str | None, limit: int
) -> tuple[list[T], str | None]:
    """Of rows that ascend, those after a marker, and the URL of the next page if there is one.

    Raises:
        InvalidQuery: the marker is not of such a list.
    """
    if after is not None:
        last = read_marker(after, order.type)
        rows = (row for row in rows if order.key(row) > last)
    page, more = cut(rows, limit)
    return page, next_url(call, write_marker(*order.key(page[-1]))) if more else None


def next_url(call: Call, marker: str) -> str:
    """The URL of the page after this one: the same request with another marker.

    Raises:
        InvalidQuery: no server would take it.
    """
    kept = [(name, value) for name, value in call.parameters if name != "marker"]
    url = f"{call.url}?{urlencode([*kept, ('marker', marker)])}"
    if len(url) > _LONGEST_URL:
        raise InvalidQuery("the parameters are too long for a link to the next page", field="q")
    return url
