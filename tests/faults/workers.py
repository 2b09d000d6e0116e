"""The workers of a uWSGI, to be killed: the master starts another one each time."""

import os
import signal
from pathlib import Path

from e2e.processes import Service, until


def workers(service: Service) -> list[int]:
    """The process ids of the workers that there are at the moment."""
    master = service.process.pid
    return [int(one) for one in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def kill_worker(service: Service, place: int = 0) -> None:
    """Kill the worker at that place, and return when another one has been started for it."""
    before = workers(service)
    os.kill(before[place % len(before)], signal.SIGKILL)
    until(lambda: set(workers(service)) - set(before), "another worker")
