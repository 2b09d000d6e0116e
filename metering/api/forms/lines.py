"""Bodies that are made while they are sent, one row a line, in the memory of a few rows.

Their forms are lines of JSON and CSV.
"""

import time
import typing
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from webob import Response

from metering.api.forms.csv import Columns, write_table
from metering.api.forms.media import CSV, NDJSON
from metering.api.forms.render import encode
from metering.api.forms.sources import closed_after

# Few enough bytes for flat memory, and so many that a server's work on each part is nothing.
PART_BYTES = 64 * 1024
# A part that fills slowly leaves with the first row after so long.
PART_SECONDS = 1.0

# What there is to say when the rows end in an error.
Excuse = Callable[[Exception], bytes]


def _write_objects(rows: Iterable[Any], row_type: Any, asked: Columns) -> Iterator[bytes]:
    """The rows as objects of JSON, a line each."""
    del row_type, asked
    with closed_after(rows) as source:
        for row in source:
            yield encode(row) + b"\n"


def _quoted(excuse: bytes) -> bytes:
    """The excuse in a quoted cell that does not end: half a line of CSV."""
    return b'"' + excuse.replace(b'"', b'""')


@dataclass(frozen=True, slots=True)
class LineForm:
    """A form of rows: the header that names it, its lines, and how half a line of it looks."""

    content_type: str
    write: Callable[[Iterable[Any], Any, Columns], Iterator[bytes]]
    break_off: Callable[[bytes], bytes]


LINE_FORMS = {
    NDJSON: LineForm(NDJSON, _write_objects, lambda excuse: excuse),
    CSV: LineForm(f"{CSV}; charset=utf-8; header=present", write_table, _quoted),
}


def write_lines(value: Any, annotation: Any, form: str, asked: Columns) -> Iterator[bytes]:
    """The lines of an answer of that type: of its rows, if it is no list but has a field `rows`."""
    if typing.get_origin(annotation) is not list:
        value, annotation = value.rows, typing.get_type_hints(annotation)["rows"]
    (row_type,) = typing.get_args(annotation)
    return LINE_FORMS[form].write(value, row_type, asked)


class Lines:
    """The body of lines, as WSGI wants it: to be read once, and closed.

    The first part is made at once: what goes wrong until then is raised, and still is an error with
    a status. Later it is too late for that. Then the body ends with half a line that says what is
    wrong, and the error goes on to the server, which breaks the connection: nobody can take what
    came for the whole, whatever stands in between.
    """

    def __init__(self, lines: Iterable[bytes], excuse: Excuse) -> None:
        """Make the first part."""
        self._parts = _parts(lines)
        self._first = next(self._parts, b"")
        self._excuse = excuse

    def __iter__(self) -> Iterator[bytes]:
        """The parts; a part is not made before it is asked for."""
        yield self._first
        try:
            yield from self._parts
        except Exception as error:
            yield self._excuse(error)
            raise

    def close(self) -> None:
        """Free what the lines hold, read to the end or not."""
        self._parts.close()


class StreamedResponse(Response):
    """An answer of lines, whose length nobody knows.

    Pecan looks at the body of each answer, to make 204 of 200 where there is none; here that would
    read all of it.
    """

    body = b"not to be read"

    def __init__(self, lines: Iterable[bytes], form: str, excuse: Excuse) -> None:
        """Take the lines, which are in that form."""
        of_form = LINE_FORMS[form]
        body = Lines(lines, lambda error: of_form.break_off(excuse(error)))
        super().__init__(app_iter=body, content_type=form, charset=None)
        self.headers["Content-Type"] = of_form.content_type


def _parts(lines: Iterable[bytes]) -> Generator[bytes]:
    with closed_after(lines) as source:
        part: list[bytes] = []
        size, begin = 0, time.monotonic()
        for line in source:
            part.append(line)
            size += len(line)
            if size >= PART_BYTES or time.monotonic() - begin >= PART_SECONDS:
                yield b"".join(part)
                part, size, begin = [], 0, time.monotonic()
        if part:
            yield b"".join(part)
