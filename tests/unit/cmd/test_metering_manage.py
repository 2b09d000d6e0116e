"""The commands of `metering-manage`, on an SQLite file."""

import re
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from unit.cmd.running import run

from metering import demo, times
from metering.cmd import manage
from metering.model import AllProjects
from metering.query import SampleQuery, SummaryQuery
from metering.storage import open_storage
from metering.storage.base import Effort
from metering.times import Range, WholeRange


def test_check_says_what_is_missing(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1 and a sentence for each problem."""
    status = run(url, "check")

    assert status == 1
    assert "metering-manage prepare" in capsys.readouterr().out


def test_check_finds_nothing_after_prepare(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Prepare may be repeated, and check is content."""
    statuses = [run(url, "prepare"), run(url, "prepare"), run(url, "check")]

    assert statuses == [0, 0, 0]
    assert capsys.readouterr().out.splitlines() == [
        "the store is prepared",
        "the store is prepared",
        "nothing is wrong",
    ]


def test_a_store_that_is_away_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 1, and the reason on stderr, where problems that were found are not."""
    status = run(f"sqlite:///{tmp_path}/no/such/folder/metering.db", "check")
    said = capsys.readouterr()

    assert status == 1
    assert said.out == ""
    where = f"sqlite:///{tmp_path}/no/such/folder/metering.db"
    assert said.err.startswith(f"metering-manage: {where}: ")


def test_a_password_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the store is named, its user is not."""
    hopeless = "serverSelectionTimeoutMS=1&connectTimeoutMS=1"
    assert 1 == run(f"mongodb://me:secret@127.0.0.1:1/metering?{hopeless}", "check")

    said = capsys.readouterr().err
    assert "secret" not in said


def test_the_configuration_file_names_the_store(url: str, tmp_path: Path) -> None:
    """Without --connection the store is that of --config-file."""
    file = tmp_path / "metering.conf"
    file.write_text(f"[database]\nconnection = {url}\n")
    status = manage.main(["--config-file", str(file), "prepare"])

    assert status == 0
    assert run(url, "check") == 0


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nosuch"],
        ["demo", "--seed", "one"],
        ["demo", "--until", "tomorrow"],
        ["demo", "--until", "1970-01-30T23:59"],
    ],
)
def test_misspelt_commands_are_refused(arguments: list[str], url: str) -> None:
    """Status 2, as argparse has it; no traceback."""
    with pytest.raises(SystemExit) as ended:
        run(url, *arguments)

    assert ended.value.code == 2


def test_demo_fills_a_store_once(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some samples the first time, the same as duplicates the second, and it prepares the store."""
    make_small(monkeypatch)
    first = run(url, "demo", "--until", "2026-11-01")
    second = run(url, "demo", "--until", "2026-11-01T00:59:59")
    said = capsys.readouterr().out.splitlines()
    stored = re.fullmatch(r"(\d+) stored, 0 duplicate", said[0])

    assert (first, second) == (0, 0)
    assert stored is not None
    assert said[2:] == [f"0 stored, {stored[1]} duplicate"]


def test_demo_is_sealed(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks at a service for the first time sees how quick it is after a night."""
    make_small(monkeypatch)
    run(url, "demo")
    effort = Effort()
    with closing(open_storage(url, timeout_seconds=30)) as storage:
        today = times.now().replace(hour=0, minute=0, second=0, microsecond=0)
        days = Range(None, today - timedelta(days=1))
        query = SummaryQuery(scope=AllProjects(), windows=WholeRange(days), range=days)
        assert list(storage.summaries(query, effort))

    assert "sealed before" in capsys.readouterr().out
    assert effort.pieces > 0
    assert effort.samples == 0


def test_demo_leaves_a_demo_of_another_end_as_it_is(
    url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is added, it is said, and what follows in a shell goes on."""
    make_small(monkeypatch)
    run(url, "demo", "--until", "2026-11-01")
    before = samples(url)
    status = run(url, "demo", "--until", "2026-11-01T01:00")

    assert status == 0
    assert "another end" in capsys.readouterr().out
    assert before == samples(url)


def make_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the demo be of one site."""
    monkeypatch.setattr(demo, "PROJECTS", ("acme",))
    monkeypatch.setattr(demo, "REGIONS", ("eu-central",))
    monkeypatch.setattr(demo, "INSTANCES_PER_SITE", 1)


def samples(url: str) -> int:
    """How many samples the store has."""
    storage = open_storage(url, timeout_seconds=30)
    try:
        return sum(1 for _ in storage.samples(SampleQuery(scope=AllProjects())))
    finally:
        storage.close()
