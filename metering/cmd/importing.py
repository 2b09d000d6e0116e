"""`metering-manage import`: record the lines that `export` wrote, or lines like them."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tqdm import tqdm

from metering.api.reading.shapes import read_either, read_item
from metering.cmd.common import add_command
from metering.config import Config
from metering.errors import InvalidSample
from metering.model import Outcome, Verdict
from metering.recording.drafts import Draft, Manner
from metering.recording.recorder import Recorder
from metering.storage.base import Storage

if TYPE_CHECKING:
    from metering.cmd.common import Commands

_STDIN = "-"
_BATCH = 2_000
_REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class _Importer:
    """Writes for any project, and has none."""

    project_id: None = None
    user_id: None = None
    is_admin: bool = True


_MANNER = Manner(author=_Importer(), keeps_recorded_at=True)


def add_import(commands: "Commands") -> None:
    """Let `metering-manage` take `import`."""
    text = (
        "record samples from lines of JSON, each under the id that it has; what is there already "
        "is a duplicate, so a command that was interrupted may be given again"
    )
    parser = add_command(commands, "import", text, _import)
    parser.add_argument("file", help="file to read; - is stdin")


def _import(_: Config, storage: Storage, arguments: argparse.Namespace) -> int:
    storage.prepare()
    recorder = Recorder(storage)
    if arguments.file == _STDIN:
        return _record(recorder, sys.stdin.buffer, None)
    file = Path(arguments.file)
    with file.open("rb") as lines:
        return _record(recorder, lines, file.stat().st_size)


def _record(recorder: Recorder, lines: IO[bytes], size: int | None) -> int:
    """Record in batches, name what was not recorded, and count; 1 if there was such a line."""
    counts: Counter[str] = Counter({Outcome.STORED: 0, Outcome.DUPLICATE: 0})
    with tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
        for batch in _batches(lines):
            drafts = [read_item(line, _read) for _, line in batch]
            for (number, _), judged in zip(
                batch, recorder.record_each(drafts, _MANNER), strict=True
            ):
                counts[_word(judged)] += 1
                reason = _reason(judged)
                if reason:
                    bar.write(f"line {number}: {reason}", file=sys.stderr)
            bar.update(sum(len(line) for _, line in batch))
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts[_REJECTED] or counts[Outcome.CONFLICT] else 0


def _read(line: bytes) -> Draft:
    """The sample of a line; without an id it would be another each time."""
    draft = read_either(line)
    if draft.id is None:
        raise InvalidSample(f"{draft.name('id')} is missing", field=draft.name("id"))
    return draft


def _batches(lines: Iterable[bytes]) -> Iterator[list[tuple[int, bytes]]]:
    """The lines with their numbers; those that are blank are left out."""
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    while batch := list(islice(numbered, _BATCH)):
        yield batch


def _word(judged: Verdict | InvalidSample) -> str:
    return judged.outcome if isinstance(judged, Verdict) else _REJECTED


def _reason(judged: Verdict | InvalidSample) -> str | None:
    if isinstance(judged, InvalidSample):
        return judged.message
    if judged.outcome is Outcome.CONFLICT:
        return f"id {judged.kept.id} already holds another sample"
    return None
