"""What the commands share: how one is declared, and the option that names the configuration."""

import argparse
import math
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from metering import times
from metering.config import Config
from metering.errors import MeteringError
from metering.storage.base import Storage

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - has no other name

_LONGEST_PAUSE_SECONDS = 86_400

Run = Callable[[Config, Storage, argparse.Namespace], int]


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Let the command take --config-file."""
    parser.add_argument(
        "--config-file",
        help="configuration file; else $METERING_CONFIG_FILE, else /etc/metering/metering.conf",
    )


def add_command(commands: "Commands", name: str, text: str, run: Run) -> argparse.ArgumentParser:
    """Let `metering-manage` take a command that works on the store; `run` gives its status."""
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def add_settle_argument(parser: argparse.ArgumentParser) -> None:
    """Let the command take --settle; see `settle_seconds`."""
    parser.add_argument(
        "--settle",
        type=_pause,
        metavar="SECONDS",
        help="how long to wait for writers that may not have heard of it; default: as long as the "
        "store needs, a minute for MongoDB",
    )


def settle_seconds(storage: Storage, arguments: argparse.Namespace) -> float:
    """How long the command is to wait."""
    asked: float | None = arguments.settle
    return storage.settle_seconds if asked is None else asked


def _pause(text: str) -> float:
    """The seconds that an argument asks to wait, a day at most."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _LONGEST_PAUSE_SECONDS:
        message = f"seconds from 0 to {_LONGEST_PAUSE_SECONDS}, not {text!r}"
        raise argparse.ArgumentTypeError(message)
    return seconds


def instant(text: str) -> datetime:
    """The instant that an argument names; without an offset it is UTC."""
    try:
        return times.read(text)
    except MeteringError as error:
        raise argparse.ArgumentTypeError(error.message) from None
