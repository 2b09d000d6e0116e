"""A page of samples, newest first, and the link to the next: every list of samples is cut here."""

from metering.api.framework.expose import Call
from metering.api.reading.params import Conditions
from metering.api.writing.paging import cut, next_url, read_marker, write_marker
from metering.errors import InvalidQuery
from metering.model import Sample
from metering.query import Position, SampleQuery
from metering.storage.base import Storage
from metering.times import from_milliseconds, to_milliseconds


def page_of_samples(
    storage: Storage, call: Call, asked: Conditions, limit: int, marker: str | None
) -> tuple[list[Sample], str | None]:
    """The samples after the marker, and the URL of the next page if there are more.

    Raises:
        InvalidQuery: the marker is none of ours.
    """
    question = SampleQuery(
        scope=call.caller.scope,
        filter=asked.filter,
        range=asked.range,
        after=None if marker is None else _read_position(marker),
    )
    page, more = cut(storage.samples(question), limit)
    return page, next_url(call, _write_position(page[-1])) if more else None


def _write_position(sample: Sample) -> str:
    return write_marker(to_milliseconds(sample.timestamp), sample.key.hex())


def _read_position(marker: str) -> Position:
    milliseconds, key = read_marker(marker, tuple[int, str])
    try:
        return Position(from_milliseconds(milliseconds), bytes.fromhex(key))
    except (ValueError, OverflowError):
        raise InvalidQuery("marker must be that of a next link", field="marker") from None
