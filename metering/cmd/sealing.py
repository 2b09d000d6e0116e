"""`metering-manage seal`: sum up what is over, so that questions read little of it."""

import argparse
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tqdm import tqdm

from metering import times
from metering.cmd.common import add_command, add_settle_argument, instant, settle_seconds
from metering.config import Config
from metering.errors import InvalidRequest
from metering.storage.base import Storage

if TYPE_CHECKING:
    from metering.cmd.common import Commands

# Most of what comes late has come by then; what has not is counted all the same.
_LAG = timedelta(hours=1)


def add_seal(commands: "Commands") -> None:
    """Let `metering-manage` take `seal`."""
    text = "make statistics of what is over quick; no answer depends on it"
    parser = add_command(commands, "seal", text, _seal)
    parser.add_argument(
        "--until", type=instant, help="seal the whole hours (UTC) before; default: an hour ago"
    )
    add_settle_argument(parser)
    parser.add_argument("--forget", action="store_true", help="forget all that was sealed, instead")


def _seal(_: Config, storage: Storage, arguments: argparse.Namespace) -> int:
    storage.ping()
    if arguments.forget:
        storage.unseal()
        print("nothing is sealed")
        return 0
    latest = latest_end()
    until = arguments.until or latest
    if until > latest:
        raise InvalidRequest(
            f"--until: the time before {until:%Y-%m-%d %H:%M} is not over by an hour",
            field="--until",
        )
    seal_before(storage, until, settle_seconds(storage, arguments))
    return 0


def latest_end() -> datetime:
    """Up to when hours can be sealed now."""
    return times.now() - _LAG


def seal_before(storage: Storage, until: datetime, settle_seconds: float) -> None:
    """Seal the whole hours (UTC) before the instant, with a bar on a terminal, and say so."""
    count = 0
    with tqdm(unit=" samples", disable=None) as bar:
        for read in storage.seal(until, settle_seconds=settle_seconds):
            bar.update(read)
            count += read
    print(f"sealed before {until:%Y-%m-%d %H}:00, {count} samples read")
