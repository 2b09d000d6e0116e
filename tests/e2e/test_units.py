"""What the systemd units say is done: start, serve, stop by their signal, in their time, with 0.

Whether systemd takes the units is seen by starting them on a system that it runs.
"""

import re
import subprocess
from pathlib import Path

import pytest
from e2e.processes import INI, Service, configuration, environment, until
from e2e.stores import stored_ids
from e2e.units import ETC, INSTALLED, UNITS, names, unit
from e2e.web import get, post, sample
from mongod import ReplicaSet

from metering.cmd.serving import STOP_SECONDS

SERVERS = ["metering-api.service", "metering-uwsgi.service"]
SERVICES = names("*.service")
# What is started by the units beside metering's own commands.
OTHERS = {"uwsgi"}
SANDBOX = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "CapabilityBoundingSet": "",
}


def scripts() -> set[str]:
    """The commands that setup.py installs."""
    text = (ETC.parents[1] / "setup.py").read_text(encoding="utf-8")
    return set(re.findall(r'"([\w-]+) = metering\.cmd', text))


@pytest.mark.parametrize("name", SERVERS)
def test_it_serves_and_stops_as_the_unit_says(
    name: str, tmp_path: Path, replica_set: ReplicaSet
) -> None:
    """Prepared by the unit that prepares, started, asked, and stopped by KillSignal."""
    is_small = name == "metering-api.service"
    url = f"sqlite:///{tmp_path}/metering.db" if is_small else replica_set.url("units")
    file = configuration(tmp_path, url, port=0)
    described = unit(name)
    own = {
        "METERING_CONFIG_FILE": str(file),
        "METERING_HTTP": "127.0.0.1:0",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "run"),
    }
    environ = {variable: own[variable] for variable in described.environment}
    prepare = unit("metering-manage@.service")
    subprocess.run(prepare.runnable("prepare"), env=environment(**environ), check=True, timeout=60)
    kind = name.removesuffix(".service").replace("metering-uwsgi", "uwsgi")
    service = Service(kind, described.runnable(), tmp_path, **environ)
    try:
        posted = post(service.address, [sample("a"), sample("b")])
        ready = get(service.address, "/healthz/ready")
        figures = get(service.address, "/metrics").body
        service.signal(described.kill_signal)
        status = service.wait(described.stop_seconds)
    finally:
        service.kill()

    assert (201, 200, 0) == (posted.status, ready.status, status)
    assert b'metering_samples_total{outcome="accepted"} 2.0' in figures
    assert stored_ids(url) == ["a", "b"]


def test_it_is_killed_no_sooner_than_it_gives_up_itself() -> None:
    """TimeoutStopSec leaves both servers the time that they take for what is in flight."""
    (mercy,) = re.findall(r"^worker-reload-mercy = (\d+)$", INI.read_text(), re.MULTILINE)

    assert unit("metering-api.service").stop_seconds > STOP_SECONDS
    assert unit("metering-uwsgi.service").stop_seconds > int(mercy)


@pytest.mark.parametrize("name", ["prepare", "check"])
def test_a_command_runs_to_its_end(name: str, tmp_path: Path, mongodb_url: str) -> None:
    """The template runs commands of metering-manage; this store is prepared already."""
    environ = environment(METERING_CONFIG_FILE=str(configuration(tmp_path, mongodb_url)))
    command = unit("metering-manage@.service").runnable(name)
    ended = subprocess.run(command, env=environ, check=False, timeout=60, cwd=tmp_path)

    assert ended.returncode == 0


def test_a_wrong_configuration_is_not_tried_again(tmp_path: Path, sqlite_url: str) -> None:
    """RestartPreventExitStatus is the status of a uWSGI without an application."""
    described = unit("metering-uwsgi.service")
    file = configuration(tmp_path, sqlite_url, nosuch=1)
    own = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "METERING_HTTP": "127.0.0.1:0"}
    command = described.runnable()
    service = Service("uwsgi", command, tmp_path, METERING_CONFIG_FILE=str(file), **own)
    try:
        status = service.wait()
    finally:
        service.kill()

    assert status == int(described.one("RestartPreventExitStatus"))
    until(lambda: "[api] has no option nosuch" in service.log, "the reason is told")


@pytest.mark.parametrize("name", SERVICES)
def test_it_runs_as_a_user_that_may_do_little(name: str) -> None:
    """Not as root, in a sandbox whose one place to write is StateDirectory."""
    described = unit(name)

    assert "metering" == described.one("User") == described.one("Group")
    assert {option: described.one(option) for option in SANDBOX} == SANDBOX
    assert described.one("WorkingDirectory") == f"/var/lib/{described.one('StateDirectory')}"


@pytest.mark.parametrize("name", SERVICES)
def test_what_it_names_is_there(name: str) -> None:
    """Its command is one that is installed, and its files have their like in etc/metering."""
    described = unit(name)
    command = described.command[0]
    files = re.findall(
        r"/etc/metering/(\S+)", " ".join([*described.command, *described.options["Environment"]])
    )

    assert command.removeprefix(INSTALLED) in scripts() | OTHERS
    assert [] == [
        one for one in files if not (ETC / one).exists() and not (ETC / f"{one}.sample").exists()
    ]


def test_uwsgi_keeps_its_figures_where_it_may_write() -> None:
    """PROMETHEUS_MULTIPROC_DIR is the directory that systemd makes for it."""
    described = unit("metering-uwsgi.service")
    folder = described.environment["PROMETHEUS_MULTIPROC_DIR"]

    assert folder == f"/run/{described.one('RuntimeDirectory')}"


@pytest.mark.parametrize("name", names("*.timer"))
def test_a_timer_starts_a_unit_that_is_there(name: str) -> None:
    """It starts the service of the same name: an instance of the template."""
    template = re.sub(r"@\w+\.timer$", "@.service", name)

    assert (UNITS / template).exists()
    assert re.search(r" UTC$", unit(name).one("OnCalendar"))
