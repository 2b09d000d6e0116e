"""`metering-manage export`: samples as lines of JSON, to keep or to record elsewhere."""

import argparse
import fcntl
import hashlib
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tqdm import tqdm

from metering import times
from metering.api.reading.shapes import read_v2
from metering.cmd.common import add_command, instant
from metering.cmd.lines import write_line
from metering.config import Config
from metering.errors import InvalidRequest
from metering.model import AllProjects, sample_key
from metering.query import FIELDS, AllOf, Comparison, Operator, Position, SampleQuery
from metering.storage.base import Storage
from metering.times import Range

if TYPE_CHECKING:
    from metering.cmd.common import Commands

_STDOUT = "-"
# Longer than any line: metadata have at most 16 KiB, which escapes may make six times as long.
_TAIL_BYTES = 1024 * 1024


def add_export(commands: "Commands") -> None:
    """Let `metering-manage` take `export`."""
    text = (
        "write samples as lines of JSON, newest first; given again after it was interrupted, "
        "it goes on where it stopped"
    )
    parser = add_command(commands, "export", text, _export)
    parser.add_argument("file", help="file to write, which must not be there; - is stdout")
    parser.add_argument("--meter", help="of this meter only")
    parser.add_argument("--project", help="of this project only")
    parser.add_argument("--start", type=instant, help="from this time on (ISO 8601, UTC)")
    parser.add_argument("--end", type=instant, help="before this time")


def _export(_: Config, storage: Storage, arguments: argparse.Namespace) -> int:
    if Range(arguments.start, arguments.end).is_empty:
        raise InvalidRequest("--end must be after --start", field="--end")
    storage.ping()
    if arguments.file == _STDOUT:
        _write(storage, _query(arguments, None), sys.stdout.buffer)
        return 0
    file = Path(arguments.file)
    if file.exists():
        raise InvalidRequest(f"{file} is there already")
    part = part_of(file, arguments)
    with part.open("ab+") as out:
        _lock(part, out)
        _write(storage, _query(arguments, _last_position(out)), out)
        out.flush()
        os.fsync(out.fileno())
        part.rename(file)
    print(f"{file} is complete")
    return 0


def _lock(part: Path, out: IO[bytes]) -> None:
    """Have the file alone: two that append to it would cut each other's lines."""
    try:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InvalidRequest(f"another export writes {part}") from None
    # Who held the lock since the file was opened may have completed, and so renamed it.
    if not (part.exists() and os.path.samestat(part.stat(), os.fstat(out.fileno()))):
        raise InvalidRequest(f"another export has completed {part}")


def part_of(file: Path, arguments: argparse.Namespace) -> Path:
    """Where the lines are until they are complete: another place for each question."""
    asked = (arguments.meter, arguments.project, arguments.start, arguments.end)
    digest = hashlib.sha256(repr(asked).encode()).hexdigest()[:8]
    return file.with_name(f"{file.name}.{digest}.part")


def _query(arguments: argparse.Namespace, after: Position | None) -> SampleQuery:
    wanted = {"meter": arguments.meter, "project_id": arguments.project}
    leaves = [
        Comparison(FIELDS[name], Operator.EQ, value)
        for name, value in wanted.items()
        if value is not None
    ]
    return SampleQuery(
        scope=AllProjects(),
        filter=AllOf(tuple(leaves)),
        range=Range(arguments.start, arguments.end),
        after=after,
    )


def _write(storage: Storage, query: SampleQuery, out: IO[bytes]) -> None:
    with tqdm(unit=" samples", disable=None) as bar:
        for sample in storage.samples(query):
            out.write(write_line(sample))
            bar.update()


def _last_position(out: IO[bytes]) -> Position | None:
    """Where the lines that are there end; half a line at the end is cut off."""
    size = out.seek(0, os.SEEK_END)
    out.seek(max(0, size - _TAIL_BYTES))
    lines, _, broken = out.read().rpartition(b"\n")
    out.truncate(size - len(broken))
    if not lines:
        return None
    last = read_v2(lines.rpartition(b"\n")[2])
    return Position(times.read(str(last.timestamp)), sample_key(str(last.source), str(last.id)))
