"""expire, verify, export and import, on an SQLite file."""

import fcntl
import json
import sqlite3
from argparse import Namespace
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import pytest
from builders import sample
from contract.asking import ids, keep, samples
from unit.cmd.running import run

from metering import times
from metering.cmd import exporting, manage
from metering.errors import NotPrepared
from metering.model import Sample
from metering.retention import Horizons
from metering.storage import open_storage
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage

NOW = times.now()
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)


def days_ago(days: float) -> datetime:
    """An instant so long before today."""
    return TODAY - timedelta(days=days)


@pytest.fixture
def storage(url: str) -> Iterator[Storage]:
    """The store that the commands work on."""
    with closing(open_storage(url, timeout_seconds=30)) as store:
        store.prepare()
        yield store


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Keeps samples for ten days, those of disks for three, and those of cpu for ever."""
    file = tmp_path / "metering.conf"
    file.write_text("[retention]\nsamples_days = 10\nmeter_days = disk:3, cpu:0\n")
    return file


def expire(url: str, config: Path, *options: str) -> int:
    """Run expire under the configuration."""
    return manage.main(["--config-file", str(config), "--connection", url, "expire", *options])


@pytest.fixture
def aged(storage: Storage) -> Storage:
    """The store with samples on both sides of each horizon."""
    for meter in ("cpu", "disk", "net"):
        for days in (11, 10, 4, 3):
            keep(storage, sample(id=f"{meter}-{days}", meter=meter, timestamp=days_ago(days)))
    return storage


ALL = 12
LEFT = ["cpu-10", "cpu-11", "cpu-3", "cpu-4", "disk-3", "net-10", "net-3", "net-4"]


def test_expire_deletes_by_meter(
    aged: Storage, url: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each meter as long as is said, to midnight; a second time nothing."""
    assert expire(url, config) == 0
    assert sorted(ids(aged)) == LEFT
    assert expire(url, config) == 0
    assert capsys.readouterr().out.splitlines() == [
        "4 samples have expired and are deleted",
        "0 samples have expired and are deleted",
    ]


def test_a_dry_run_changes_nothing(
    aged: Storage, url: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what would go, and no horizon is set."""
    assert expire(url, config, "--dry-run") == 0
    assert len(ids(aged)) == ALL
    assert capsys.readouterr().out.splitlines() == [
        f"disk: 3 samples before {times.write(days_ago(3))}",
        f"net: 1 samples before {times.write(days_ago(10))}",
    ]
    assert aged.horizons() == Horizons()


def test_nothing_expires_by_default(aged: Storage, url: str) -> None:
    """Without options samples are kept for ever."""
    assert run(url, "expire") == 0
    assert len(ids(aged)) == ALL


def test_verify_is_content(aged: Storage, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 0, and how many samples were read."""
    assert run(url, "verify") == 0
    assert capsys.readouterr().out == "12 samples read again, 0 contradictions\n"


def test_verify_names_what_is_wrong(
    aged: Storage, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1, and a line for each contradiction."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute("UPDATE samples SET id = 'other' WHERE id = 'cpu-3'")

    assert run(url, "verify") == 1
    assert capsys.readouterr().out.splitlines() == [
        "meter cpu of resource vm-1: 1 samples are not found under their key",
        "12 samples read again, 1 contradictions",
    ]


def test_seal_and_forget(
    aged: Storage, url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is over is read once; what was sealed can be forgotten and sealed again."""
    monkeypatch.setattr(times, "now", lambda: NOW)
    for arguments in ([], [], ["--forget"], ["--until", days_ago(4).isoformat()]):
        assert run(url, "seal", *arguments) == 0
    latest = f"{NOW - timedelta(hours=1):%Y-%m-%d %H}:00"

    assert capsys.readouterr().out.splitlines() == [
        f"sealed before {latest}, 12 samples read",
        f"sealed before {latest}, 0 samples read",
        "nothing is sealed",
        f"sealed before {days_ago(4):%Y-%m-%d %H}:00, 6 samples read",
    ]


ODD = [
    sample(id="a/\u00fc $", volume="12345678901234567890.0123456789", metadata={"a.b": {"c": [1]}}),
    sample(id="b", project_id=None, user_id=None, unit="", metadata={"n": 10**30, "t": "\u2028\n"}),
    sample(id="c", source="p%3A1:x", timestamp=times.read("2015-06-01T12:00:00.123")),
]


@pytest.fixture
def odd(storage: Storage) -> list[Sample]:
    """Samples with all that could get lost on the way, as the store has them."""
    keep(storage, *ODD)
    return samples(storage)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Storage]:
    """Another store, which import prepares."""
    with closing(open_storage(f"sqlite:///{tmp_path / 'other.db'}", timeout_seconds=30)) as store:
        yield store


def import_there(tmp_path: Path, file: Path) -> int:
    """Run import on the other store."""
    return run(f"sqlite:///{tmp_path / 'other.db'}", "import", file)


def test_what_is_exported_can_be_imported(
    odd: list[Sample],
    other: Storage,
    tmp_path: Path,
    url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is lost or changed; a second time all are duplicates."""
    file = tmp_path / "out.ndjson"

    assert run(url, "export", file) == 0
    assert import_there(tmp_path, file) == 0
    assert odd == samples(other)
    assert import_there(tmp_path, file) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{file} is complete",
        "3 stored, 0 duplicate",
        "0 stored, 3 duplicate",
    ]


def test_export_does_not_overwrite(
    odd: list[Sample], tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there stays as it is."""
    file = tmp_path / "out.ndjson"
    file.write_text("mine")

    assert run(url, "export", file) == 1
    assert file.read_text() == "mine"
    assert "is there already" in capsys.readouterr().err


def test_export_of_some(aged: Storage, tmp_path: Path, url: str) -> None:
    """By meter, project and half-open time."""
    file = tmp_path / "out.ndjson"
    wanted = [
        "--meter",
        "net",
        "--start",
        days_ago(10).isoformat(),
        "--end",
        days_ago(3).isoformat(),
    ]

    assert run(url, "export", file, "--project", "p-1", *wanted) == 0
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert ["net-4", "net-10"] == [line["message_id"] for line in lines]
    assert run(url, "export", tmp_path / "none", "--project", "p-2") == 0
    assert (tmp_path / "none").read_text() == ""


def test_export_to_stdout(
    odd: list[Sample], url: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Lines and nothing else."""
    assert run(url, "export", "-") == 0
    lines = capfdbinary.readouterr().out.splitlines()
    assert [one.id for one in odd] == [json.loads(line)["message_id"] for line in lines]


EVERYTHING = Namespace(meter=None, project=None, start=None, end=None)


def test_the_part_of_another_question_is_let_be(aged: Storage, tmp_path: Path, url: str) -> None:
    """An interrupted export of one meter does not become one of another."""
    file = tmp_path / "out.ndjson"
    part = exporting.part_of(file, EVERYTHING)
    part.write_text("mine\n")

    assert run(url, "export", file, "--meter", "net") == 0
    assert {json.loads(line)["counter_name"] for line in file.read_text().splitlines()} == {"net"}
    assert part.read_text() == "mine\n"


@pytest.mark.parametrize("bytes_lost", [0, 1, 10, 400, 10_000])
def test_an_interrupted_export_goes_on(
    bytes_lost: int, aged: Storage, tmp_path: Path, url: str
) -> None:
    """Wherever it stopped, in the midst of a line or before the first, the file is the same."""
    whole, file = tmp_path / "whole", tmp_path / "out.ndjson"
    part = exporting.part_of(tmp_path / "out.ndjson", EVERYTHING)
    run(url, "export", whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    begun = b"".join(lines[:5])
    part.write_bytes(begun[: max(0, len(begun) - bytes_lost)])

    assert run(url, "export", file) == 0
    assert whole.read_bytes() == file.read_bytes()
    assert not part.exists()


def test_an_interrupted_export_reads_on_from_there(
    aged: Storage, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written before is not read again."""
    part = exporting.part_of(tmp_path / "out.ndjson", EVERYTHING)
    run(url, "export", tmp_path / "whole")
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:9]))
    written = []
    write_line = exporting.write_line
    monkeypatch.setattr(exporting, "write_line", lambda one: written.append(one) or write_line(one))

    assert run(url, "export", tmp_path / "out.ndjson") == 0
    assert len(written) == ALL - 9


@pytest.mark.parametrize("end", ["2026-10-01", "2026-09-30"])
def test_an_export_of_no_time_is_refused(
    aged: Storage, tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str], end: str
) -> None:
    """Dates the wrong way round would make a backup that is complete, and empty."""
    given = ["--start", "2026-10-01", "--end", end]
    before = set(tmp_path.iterdir())

    assert run(url, "export", tmp_path / "out.ndjson", *given) == 1
    assert "--end must be after --start" in capsys.readouterr().err
    assert before == set(tmp_path.iterdir())


def test_an_export_that_runs_is_refused_a_second_time(
    aged: Storage, tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two that append to one file would cut each other's lines."""
    file = tmp_path / "out.ndjson"
    part = exporting.part_of(file, EVERYTHING)
    with part.open("ab") as running:
        fcntl.flock(running, fcntl.LOCK_EX)
        running.write(b"half a l")
        running.flush()

        assert run(url, "export", file) == 1

    assert f"another export writes {part}" in capsys.readouterr().err
    assert part.read_bytes() == b"half a l"
    assert run(url, "export", file) == 0


def test_an_export_that_was_completed_meanwhile_is_refused(
    aged: Storage, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another has renamed the file since this one opened it: nothing is added to it."""
    file = tmp_path / "out.ndjson"
    lock = fcntl.flock

    def complete(out: IO[bytes], how: int) -> None:
        exporting.part_of(file, EVERYTHING).rename(file)
        lock(out, how)

    monkeypatch.setattr(fcntl, "flock", complete)

    assert run(url, "export", file) == 1
    assert file.read_bytes() == b""


def test_an_export_has_its_file_alone_until_it_has_its_name(
    aged: Storage, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another could begin between the last line and the name."""
    rename = Path.rename
    refused = []

    def try_to_lock(part: Path, file: Path) -> Path:
        with part.open("rb") as other:
            try:
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                refused.append(part)
        return rename(part, file)

    monkeypatch.setattr(Path, "rename", try_to_lock)

    assert run(url, "export", tmp_path / "out.ndjson") == 0
    assert len(refused) == 1


def test_import_names_what_it_refuses(
    odd: list[Sample], tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By line; what is well is recorded, and the status is 1."""
    good = {
        "name": "m",
        "type": "gauge",
        "unit": "u",
        "volume": 1,
        "resource_id": "r",
        "timestamp": "2015-06-01",
    }
    lines = [
        json.dumps(good | {"id": "new"}),
        "",
        "not JSON",
        json.dumps(good | {"id": "b", "source": "openstack"}),
        json.dumps(good | {"id": "x", "volume": "much"}),
        json.dumps(good | {"id": "cut"})[:-5],
    ]
    file = tmp_path / "in.ndjson"
    file.write_text("\n".join(lines))

    assert run(url, "import", file) == 1
    said = capsys.readouterr()
    assert said.out == "1 stored, 0 duplicate, 3 rejected, 1 conflict\n"
    assert ["line 3", "line 4", "line 5", "line 6"] == [
        line.partition(":")[0] for line in said.err.splitlines()
    ]
    assert "id b already holds another sample" in said.err


def test_import_brings_nothing_back(aged: Storage, url: str, config: Path, tmp_path: Path) -> None:
    """What has expired since it was exported stays away."""
    file = tmp_path / "out.ndjson"
    run(url, "export", file)
    expire(url, config)

    assert run(url, "import", file) == 1
    assert sorted(ids(aged)) == LEFT


def test_files_that_cannot_be_written(
    odd: list[Sample], tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1 and a sentence."""
    assert run(url, "export", tmp_path / "none" / "out") == 1
    assert "No such file" in capsys.readouterr().err


def test_what_is_not_over_is_not_sealed(
    odd: list[Sample], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """All samples of it would be late ones, for ever."""
    assert run(url, "seal", "--until", (times.now() - timedelta(minutes=59)).isoformat()) == 1
    said = capsys.readouterr().err
    assert "--until: " in said
    assert "is not over" in said
    assert run(url, "seal", "--until", "0001-01-01") == 0


def test_import_wants_ids(
    storage: Storage, tmp_path: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without one a line would be another sample each time."""
    file = tmp_path / "in.ndjson"
    file.write_text('{"name": "m", "type": "gauge", "unit": "", "volume": 1, "resource_id": "r"}')

    assert run(url, "import", file) == 1
    assert "line 1: id is missing" in capsys.readouterr().err


def test_import_of_no_file(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1 and a sentence."""
    assert run(url, "import", "/no/such/file") == 1
    assert "No such file" in capsys.readouterr().err


def test_a_retry_is_known_after_a_restore(
    storage: Storage, other: Storage, url: str, tmp_path: Path
) -> None:
    """The instant of recording comes along, so that a key without a time is still spent later."""
    keep(storage, sample(id="own", timestamp=days_ago(11), recorded_at=days_ago(11), meter="disk"))
    run(url, "export", tmp_path / "out.ndjson")
    import_there(tmp_path, tmp_path / "out.ndjson")
    (restored,) = samples(other)

    assert restored.recorded_at == restored.timestamp


@pytest.mark.parametrize("pause", ["-1", "nan", "inf", "1e300", "86401", "a minute"])
def test_a_pause_that_is_none_is_refused(
    aged: Storage, url: str, config: Path, capsys: pytest.CaptureFixture[str], pause: str
) -> None:
    """Before anything is done: no horizon is published for what would not be deleted."""
    with pytest.raises(SystemExit, match="2"):
        expire(url, config, f"--settle={pause}")

    assert "--settle: seconds from 0 to 86400" in capsys.readouterr().err
    assert Horizons() == aged.horizons()


class NeverPrepared(MemoryStorage):
    """A database that is there, and not ours; MongoDB makes one of any name."""

    def ping(self) -> None:
        """Say so."""
        raise NotPrepared("run metering-manage prepare")


@pytest.mark.parametrize("command", ["verify", "seal", "seal --forget", "expire", "export"])
def test_a_database_that_was_never_prepared(
    tmp_path: Path,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """A misspelt name is no store without samples: nothing is well, kept safe, or begun."""
    store = NeverPrepared()
    monkeypatch.setattr(manage, "open_storage", lambda *_, **__: store)
    words = command.split()
    if command == "export":
        words.append(str(tmp_path / "all.ndjson"))

    status = manage.main(["--config-file", str(config), *words])

    assert status == 1
    assert "run metering-manage prepare" in capsys.readouterr().err
    assert Horizons() == store.horizons()
    assert [config] == list(tmp_path.iterdir())
