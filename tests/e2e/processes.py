"""Real servers on free ports of the loopback address, each with its log in a file."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

INI = Path(__file__).parents[2] / "etc" / "metering" / "uwsgi.ini"
DEADLINE_SECONDS = 30

_POLL_SECONDS = 0.02
_LISTENS = {
    "metering-api": re.compile(r"metering-api: http://(\S+)/v2/meters"),
    "uwsgi": re.compile(r"bound to TCP address (\S+) \(port"),
}


class Service:
    """A server process; `address` is where it listens, `log` everything that it printed."""

    def __init__(self, kind: str, command: list[str], folder: Path, **environ: str) -> None:
        """Start it in the folder; it does not listen yet."""
        self._kind = kind
        self._log = folder / f"{kind}-{time.monotonic_ns()}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment(**environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """Everything that it printed up to now."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def address(self) -> str:
        """Host and port, as soon as it listens."""
        until(lambda: self._listens() or self.process.poll() is not None, self._kind)
        found = self._listens()
        assert found, self.log
        return found[1]

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, seconds: float = DEADLINE_SECONDS) -> int:
        """Its exit status, as soon as it ends."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End what is left of it and of its workers, which are a process group of their own."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _listens(self) -> re.Match[str] | None:
        return _LISTENS[self._kind].search(self.log)


@contextmanager
def metering_api(folder: Path, *arguments: str, **environ: str) -> Iterator[Service]:
    """`metering-api` with the arguments, on a free port; killed in the end if it still runs."""
    command = [script("metering-api"), "--port", "0", *arguments]
    yield from _running(Service("metering-api", command, folder, **environ))


@contextmanager
def uwsgi(folder: Path, *arguments: str, **environ: str) -> Iterator[Service]:
    """A uWSGI with our ini file and two workers, on a free port; killed in the end likewise."""
    command = [script("uwsgi"), "--ini", str(INI), "--processes", "2", *arguments]
    own = {
        "METERING_HTTP": "127.0.0.1:0",
        # Our ini file has one in /tmp, which stays there when uWSGI is killed.
        "PROMETHEUS_MULTIPROC_DIR": str(folder / f"metrics-{time.monotonic_ns()}"),
    }
    yield from _running(Service("uwsgi", command, folder, **(own | environ)))


@contextmanager
def serving(kind: str, folder: Path, url: str, **options: object) -> Iterator[Service]:
    """One of the two on the store, with options of group `api`."""
    file = configuration(folder, url, **options)
    start = {"metering-api": metering_api, "uwsgi": uwsgi}[kind]
    with start(folder, METERING_CONFIG_FILE=str(file)) as service:
        yield service


def configuration(folder: Path, url: str, **options: object) -> Path:
    """A configuration file for the store, which lets uWSGI serve everybody."""
    lines = ["[database]", f"connection = {url}", "[api]"]
    lines += [f"{name} = {value}" for name, value in ({"insecure": True} | options).items()]
    file = folder / "metering.conf"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def manage(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `metering-manage` on the store, to its end."""
    command = [script("metering-manage"), "--connection", url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def environment(**own: str) -> dict[str, str]:
    """The variables of a process: those of the tests, but none of metering's, and its own."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("METERING_")}
    return inherited | own


def until(is_so: Callable[[], object], what: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Return as soon as it is so; fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(_POLL_SECONDS)


def script(name: str) -> str:
    """The path of a command that is installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def _running(service: Service) -> Iterator[Service]:
    try:
        yield service
    finally:
        service.kill()
