"""A real `metering-api` process on a free port, for tests that need sockets."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30


@dataclass(frozen=True)
class Served:
    """A running service: where it listens, and its process."""

    address: str
    process: subprocess.Popen[str]


def script(name: str) -> str:
    """The path of a command that is installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def free_port() -> int:
    """A port of the loopback address that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def metering_api(*arguments: str) -> Iterator[Served]:
    """Start metering-api with the arguments on a free port, and stop it afterwards."""
    command = [script("metering-api"), "--port", str(free_port()), *arguments]
    unbuffered = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=unbuffered)
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        watchdog.cancel()
        found = re.search(r"http://([^/]+)/", said)
        assert found, f"metering-api did not start: {said}"
        yield Served(found[1], process)
    finally:
        watchdog.cancel()
        with process:
            process.terminate()
