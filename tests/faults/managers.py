"""`metering-manage`, run again and again on a store, and killed at random moments."""

import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from e2e.processes import environment, script

_LONGEST_SECONDS = 120
KILLED, DONE, FAILED = "killed", "done", "failed"


@dataclass
class Manager:
    """Somebody who runs one of the commands after the other; every second one is killed."""

    url: str
    commands: Sequence[Sequence[str]]
    chance: random.Random
    ends: Counter[str] = field(default_factory=Counter)
    usual_seconds: float = 2

    def run(self, stopping: threading.Event) -> None:
        """Until told to stop, and until one was killed and one has come to its end."""
        while not stopping.is_set() or not {KILLED, DONE} <= self.ends.keys():
            end = self._run_one(is_to_die=self.ends[KILLED] <= self.ends.total() // 2)
            self.ends[end] += 1

    def _run_one(self, *, is_to_die: bool) -> str:
        begin = time.monotonic()
        process = subprocess.Popen(
            [
                script("metering-manage"),
                "--connection",
                self.url,
                *self.chance.choice(self.commands),
            ],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        seconds = (
            self.chance.uniform(0.5, 1) * self.usual_seconds if is_to_die else _LONGEST_SECONDS
        )
        try:
            _, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            assert is_to_die
            return KILLED
        assert "Traceback" not in said, said
        self.usual_seconds = time.monotonic() - begin
        return FAILED if process.returncode else DONE


def retaining(folder: Path, days: int) -> Sequence[str]:
    """The arguments that let samples expire after so many days."""
    file = folder / f"retention-{days}.conf"
    file.write_text(f"[retention]\nsamples_days = {days}\n", encoding="utf-8")
    return ("--config-file", str(file), "expire", "--settle", "0")
