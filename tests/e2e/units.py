"""The systemd units of etc/metering/systemd, as far as a test can do what systemd does."""

import shlex
import signal
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from e2e.processes import script

ETC = Path(__file__).parents[2] / "etc" / "metering"
UNITS = ETC / "systemd"
INSTALLED = "/opt/metering/bin/"


@dataclass(frozen=True)
class Unit:
    """A unit with its drop-ins: what was said of each option, in order."""

    name: str
    options: dict[str, list[str]]

    def one(self, option: str) -> str:
        """The value of an option that is given once."""
        (value,) = self.options[option]
        return value

    @property
    def command(self) -> list[str]:
        """ExecStart, as it stands."""
        return shlex.split(self.one("ExecStart"))

    @property
    def environment(self) -> dict[str, str]:
        """The variables that it sets."""
        return dict(one.split("=", 1) for one in self.options["Environment"])

    @property
    def kill_signal(self) -> int:
        """What stops it."""
        return signal.Signals[self.one("KillSignal")]

    @property
    def stop_seconds(self) -> int:
        """How long that may take."""
        return int(self.one("TimeoutStopSec"))

    def runnable(self, instance: str = "") -> list[str]:
        """Its command with our own scripts and ini file, for an instance (`%i`)."""
        words = [
            word.replace("%i", instance).replace("/etc/metering", str(ETC)) for word in self.command
        ]
        return [script(Path(one).name) if one.startswith(INSTALLED) else one for one in words]


def unit(name: str) -> Unit:
    """The unit of that file; drop-ins are those of its prefix, `metering-`."""
    options: dict[str, list[str]] = defaultdict(list)
    files = [UNITS / name]
    if name.endswith(".service"):
        files += sorted((UNITS / "metering-.service.d").glob("*.conf"))
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            if line and line[0] not in "#[":
                option, value = line.split("=", 1)
                options[option].append(value)
    return Unit(name, dict(options))


def names(pattern: str) -> list[str]:
    """The names of the unit files."""
    return sorted(file.name for file in UNITS.glob(pattern))
