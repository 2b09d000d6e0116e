"""Bodies that are made while they are sent, one row a line, in the memory of a few rows."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from webob import Response

from metering.api.writing.render import NDJSON, encode
from metering.api.writing.sources import closed_after

# Few enough bytes for flat memory, and so many that a server's work on each part is nothing.
PART_BYTES = 64 * 1024
# A part that fills slowly leaves with the first row after so long.
PART_SECONDS = 1.0

# What there is to say when the rows end in an error.
Excuse = Callable[[Exception], bytes]


class Lines:
    """The body of rows as lines, as WSGI wants it: to be read once, and closed.

    The first part is made at once: what goes wrong until then is raised, and still is an error with
    a status. Later it is too late for that. Then the body ends with half a line that says what is
    wrong, and the error goes on to the server, which breaks the connection: nobody can take what
    came for the whole, whatever stands in between.
    """

    def __init__(self, rows: Iterable[Any], excuse: Excuse) -> None:
        """Make the first part."""
        self._parts = _parts(rows)
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
        """Free what the rows hold, read to the end or not."""
        self._parts.close()


class StreamedResponse(Response):
    """An answer of lines, whose length nobody knows.

    Pecan looks at the body of each answer, to make 204 of 200 where there is none; here that would
    read all of it.
    """

    body = b"not to be read"

    def __init__(self, lines: Lines) -> None:
        """Take the body."""
        super().__init__(app_iter=lines, content_type=NDJSON, charset=None)


def _parts(rows: Iterable[Any]) -> Generator[bytes]:
    with closed_after(rows) as source:
        lines: list[bytes] = []
        size, begin = 0, time.monotonic()
        for row in source:
            line = encode(row)
            lines.append(line)
            size += len(line)
            if size >= PART_BYTES or time.monotonic() - begin >= PART_SECONDS:
                yield b"\n".join([*lines, b""])
                lines, size, begin = [], 0, time.monotonic()
        if lines:
            yield b"\n".join([*lines, b""])
