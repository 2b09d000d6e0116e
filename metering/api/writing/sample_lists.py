"""Lists of samples, newest first: a page with a link to the next, or lines without end.

A page is read whole before it is sent: its link stands before its rows and needs the row after
them, and what breaks in the middle still is an error with a status. It has `max_limit` rows at
most. Lines leave as they are read.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from metering.api.forms.lines import LINE_FORMS
from metering.api.forms.media import CSV, JSON, XML
from metering.api.forms.render import encode, encode_in_ascii
from metering.api.forms.sources import closed_after
from metering.api.framework.endpoint import Call, Reply
from metering.api.reading.conditions import Conditions
from metering.api.reading.limits import read_limit, read_whole_limit
from metering.api.services import Services
from metering.api.writing.paging import cut, next_url, read_marker, write_marker
from metering.api.writing.templates import Templates
from metering.deadline import Deadline
from metering.model import Sample
from metering.query import Position, SampleQuery
from metering.storage.base import Storage
from metering.times import from_milliseconds, to_milliseconds

Write = Callable[[Sample], Any]


def query_after(marker: str | None, call: Call, asked: Conditions) -> SampleQuery:
    """The question for the samples that match, after the marker if there is one.

    Raises:
        InvalidQuery: the marker is none of ours.
    """
    return SampleQuery(
        scope=call.caller.scope,
        filter=asked.filter,
        range=asked.range,
        after=None if marker is None else read_marker(marker, tuple[int, str], _position),
    )


def list_samples(
    services: Services, call: Call, query: SampleQuery, limit: int | None, write: Write
) -> Reply:
    """The samples as rows, in the form that the client accepts.

    Raises:
        InvalidQuery: the limit is not positive.
    """
    write = writer(call, write)
    if call.form in LINE_FORMS:
        return Reply(value=rows(services.storage, query, read_whole_limit(limit), write))
    deadline = Deadline(services.config.query_timeout_seconds)
    with closed_after(services.storage.samples(query)) as found:
        page, more = cut(deadline.guard(found), read_limit(limit, services.config))
    return Reply(
        value=[write(sample) for sample in page],
        next_url=next_url(call, _write_position(page[-1])) if more else None,
    )


def writer(call: Call, write: Write) -> Write:
    """What makes rows for the form that the client accepts: encoded ones, if it is JSON."""
    if call.form in (*XML, CSV):
        return write
    return Templates(write, encode_in_ascii if call.form == JSON else encode).row


def rows(storage: Storage, query: SampleQuery, limit: int | None, write: Write) -> Iterator[Any]:
    """The samples as rows while they are read, all or so many."""
    with closed_after(storage.samples(query)) as found:
        for sample in islice(found, limit):
            yield write(sample)


def _write_position(sample: Sample) -> str:
    return write_marker(to_milliseconds(sample.timestamp), sample.key.hex())


def _position(parts: tuple[int, str]) -> Position:
    milliseconds, key = parts
    return Position(from_milliseconds(milliseconds), bytes.fromhex(key))
