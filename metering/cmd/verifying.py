"""`metering-manage verify`: read everything again, and compare."""

import argparse
from typing import TYPE_CHECKING

from tqdm import tqdm

from metering.cmd.common import add_command
from metering.config import Config
from metering.storage.base import Storage

if TYPE_CHECKING:
    from metering.cmd.common import Commands


def add_verify(commands: "Commands") -> None:
    """Let `metering-manage` take `verify`."""
    text = "read every sample again in every way, and say what contradicts"
    add_command(commands, "verify", text, _verify)


def _verify(_: Config, storage: Storage, __: argparse.Namespace) -> int:
    storage.ping()
    samples, contradictions = 0, 0
    with tqdm(unit=" samples", disable=None) as bar:
        for inspection in storage.verify():
            for contradiction in inspection.contradictions:
                bar.write(contradiction)
            samples += inspection.samples
            contradictions += len(inspection.contradictions)
            bar.update(inspection.samples)
    print(f"{samples} samples read again, {contradictions} contradictions")
    return 1 if contradictions else 0
