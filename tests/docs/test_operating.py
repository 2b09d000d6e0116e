"""What docs/operating.rst tells an operator to do is done, as far as one machine can."""

import json
import re
import shlex
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from docs.shown import ADDRESS, ROOT, comparable, examples, typed
from e2e.processes import (
    Service,
    configuration,
    environment,
    manage,
    metering_api,
    script,
    until,
)
from e2e.stores import stored_ids
from e2e.web import get, post, sample
from mongod import ReplicaSet, Standalone
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from metering.storage import open_storage

PAGE = (ROOT / "docs" / "operating.rst").read_text(encoding="utf-8")
BACKUPS = "/var/backups/metering"
UNITS = ROOT / "etc" / "metering" / "systemd"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that is well."""
    folder = tmp_path_factory.mktemp("operating")
    with metering_api(folder, "--connection", f"sqlite:///{folder}/metering.db") as service:
        yield service


def section(title: str) -> str:
    """The text below a heading, up to the next one."""
    return re.split(r"\n[^\n]+\n-{3,}\n", PAGE.split(f"\n{title}\n---", 1)[1])[0]


def test_examples_give_the_answers_shown(served: Service) -> None:
    """Health and figures of a service that is well."""
    shown = list(examples(PAGE))
    said = [
        subprocess.run(
            ["bash", "-c", command.replace(ADDRESS, served.address)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.strip()
        for command, _ in shown
    ]

    assert [comparable(answer) for _, answer in shown] == [comparable(one) for one in said]
    assert len(said) == 2


def test_every_figure_is_watched_and_every_watched_figure_is_there(served: Service) -> None:
    """The names in the table are those of /metrics; none of them is forgotten."""
    text = get(served.address, "/metrics").body.decode()
    families = set(re.findall(r"^# TYPE (\w+) ", text, re.MULTILINE))
    named = {one.removesuffix("_bucket") for one in re.findall(r"\bmetering_\w+", PAGE)}

    assert families == named


def test_every_command_of_the_page_ends_well(tmp_path: Path) -> None:
    """Those of metering-manage, in order, on a store with samples, with the page's retention."""
    url = f"sqlite:///{tmp_path}/metering.db"
    file = configuration(tmp_path, url, keys_file=tmp_path / "keys.json")
    retention = re.search(r"    \[retention\]\n(?:    .+\n)+", PAGE)
    assert retention
    file.write_text(file.read_text() + re.sub(r"^ +", "", retention[0], flags=re.MULTILINE))
    with metering_api(tmp_path, "--connection", url) as service:
        assert post(service.address, [sample("a"), sample("b", project_id="acme")]).status == 201
    commands = [line.replace(BACKUPS, str(tmp_path)) for line in typed(PAGE, "metering-manage ")]
    for command in commands:
        ended = subprocess.run(
            [script("metering-manage"), *shlex.split(command)[1:]],
            env=environment(METERING_CONFIG_FILE=str(file)),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, (command, ended.stdout, ended.stderr)

    assert {"prepare", "check", "key", "seal", "verify", "export", "import", "expire"} == {
        shlex.split(command)[1] for command in commands
    }
    assert (tmp_path / "all.ndjson").read_text().count("\n") == 2


def test_a_copy_of_a_busy_sqlite_file_is_a_backup(tmp_path: Path) -> None:
    """VACUUM INTO as the page has it while the service runs; what was acknowledged is there."""
    url = f"sqlite:///{tmp_path}/metering.db"
    (statement,) = re.findall(r"sqlite3 /var/lib/metering/metering\.db \"(.+)\"", PAGE)
    copy = tmp_path / "copy"
    copy.mkdir()
    with metering_api(tmp_path, "--connection", url) as service:
        post(service.address, [sample("before")])
        with closing(sqlite3.connect(tmp_path / "metering.db")) as connection:
            connection.execute(statement.replace(BACKUPS, str(copy)))
        post(service.address, [sample("after")])
    restored = f"sqlite:///{copy}/metering.db"
    statuses = [manage(restored, name).returncode for name in ("check", "prepare", "check")]

    assert statuses == [1, 0, 0]
    assert stored_ids(restored) == ["before"]
    assert manage(restored, "verify").returncode == 0


def documents(text: str, call: str) -> list[dict[str, Any]]:
    """What mongosh is given in calls of that name."""
    return [json.loads(line[len(call) + 1 : -1]) for line in typed(text, call)]


def is_done(client: MongoClient[dict[str, Any]], command: dict[str, Any]) -> bool:
    """Whether the server has done it; a member that was just born makes no checkpoints yet."""
    with suppress(OperationFailure):
        client.admin.command(command)
        return True
    return False


def test_what_is_typed_into_mongosh_makes_a_set_that_check_likes() -> None:
    """The set as it is described, the users with their roles, and a member that is locked."""
    (initiate,) = documents(PAGE, "rs.initiate")
    hosts = {key: initiate[key] for key in ("settings",)}
    admin = 'db.getSiblingDB("admin").runCommand'
    with ReplicaSet(len(initiate["members"]), config=hosts) as servers:
        with servers.wait_for_primary().client() as client:
            for command in documents(section("Replica set"), admin):
                client.admin.command(command)
            users = client.admin.command("usersInfo", "metering")["users"]
        url = servers.url()
        prepared = manage(url, "prepare").returncode
        checked = manage(url, "check")
        secondary = next(one for one in servers.members if one.hello()["secondary"])
        with secondary.client() as client:
            for command in documents(section("Backup and restore"), admin):
                until(lambda c=command: is_done(client, c), f"{command} is done")

    assert {(one["role"], one["db"]) for one in users[0]["roles"]} == {
        ("readWrite", "metering"),
        ("clusterMonitor", "admin"),
    }
    assert (prepared, checked.returncode, checked.stdout) == (0, 0, "nothing is wrong\n")


def test_the_memory_of_a_set_can_be_dropped() -> None:
    """On a server that is started alone, as in the restore."""
    (command,) = documents(PAGE, 'db.getSiblingDB("local").runCommand')
    with Standalone() as server, server.members[0].client() as client:
        assert client["local"].command(command)["ok"] == 1


def test_the_connection_of_the_page_is_a_url() -> None:
    """It opens; nothing is connected before the first use."""
    (url,) = re.findall(r"    connection = (mongodb://\S+)", PAGE)
    open_storage(url, timeout_seconds=1).close()


def test_every_unit_is_described() -> None:
    """The units of the table are those that there are."""
    there = {one.name for one in UNITS.iterdir()}

    assert set(re.findall(r"^``(metering-[\w@.-]+)`` ", PAGE, re.MULTILINE)) == there
