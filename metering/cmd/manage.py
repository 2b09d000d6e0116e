"""`metering-manage`: what an operator does with a store: prepare, check, expire, move, and more."""

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from tqdm import tqdm

from metering import demo, times
from metering.cmd import keys
from metering.cmd.common import Run, add_command, add_config_argument, instant
from metering.cmd.expiring import add_expire
from metering.cmd.exporting import add_export
from metering.cmd.importing import add_import
from metering.cmd.sealing import add_seal, latest_end, seal_before
from metering.cmd.verifying import add_verify
from metering.config import Config, load, without_passwords
from metering.errors import MeteringError, StorageUnavailable
from metering.model import Outcome, Submission
from metering.storage import open_storage
from metering.storage.base import Storage, has_refusal

_BATCH = 2_000
# A command may read everything there is; who gave it can end it.
_PATIENCE_SECONDS = 7 * 24 * 3600


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 if all is well, 1 if the command failed or `check` found something.
    """
    arguments = _parser().parse_args(argv)
    overrides = [("database", "connection", arguments.connection)] if arguments.connection else []
    url = ""
    try:
        config = load(arguments.config_file, overrides)
        url = without_passwords(config.connection)
        if "on_keys" in arguments:
            return keys.run(config, arguments)
        storage = open_storage(config.connection, timeout_seconds=_PATIENCE_SECONDS)
        run: Run = arguments.run
        try:
            return run(config, storage, arguments)
        finally:
            storage.close()
    except StorageUnavailable as error:
        print(f"metering-manage: {url}: {error}", file=sys.stderr)
        return 1
    except (MeteringError, OSError) as error:
        print(f"metering-manage: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="metering-manage", description=__doc__)
    add_config_argument(parser)
    parser.add_argument("--connection", help="URL of the store; else that of the configuration")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_command(commands, "prepare", "create what the store lacks; harmless to repeat", _prepare)
    add_command(commands, "check", "say what is wrong with the deployment", _check)
    add_seal(commands)
    add_verify(commands)
    add_expire(commands)
    add_export(commands)
    add_import(commands)
    filling = add_command(commands, "demo", "record a month of made-up usage up to now", _demo)
    filling.add_argument("--seed", type=int, default=1, help="the same seed, the same usage")
    filling.add_argument("--until", type=_end_of_month, help="end of the month instead of now")
    keys.add_key_commands(commands)
    return parser


def _end_of_month(text: str) -> datetime:
    end = instant(text)
    if end < times.EPOCH + demo.LENGTH:
        raise argparse.ArgumentTypeError("the month would begin before 1970")
    return end


def _prepare(_: Config, storage: Storage, __: argparse.Namespace) -> int:
    storage.prepare()
    print("the store is prepared")
    return 0


def _check(_: Config, storage: Storage, __: argparse.Namespace) -> int:
    problems = storage.check()
    for problem in problems:
        print(problem)
    if not problems:
        print("nothing is wrong")
    return 1 if problems else 0


def _demo(_: Config, storage: Storage, arguments: argparse.Namespace) -> int:
    storage.prepare()
    outcomes = _record(storage, demo.usage(arguments.seed, arguments.until or times.now()))
    print(f"{outcomes[Outcome.STORED]} stored, {outcomes[Outcome.DUPLICATE]} duplicate")
    if outcomes[Outcome.CONFLICT]:
        print("the store has a demo of another end (see --until), which stays as it is")
    if outcomes[Outcome.EXPIRED]:
        print("the month begins before the retention horizon of the store; nothing was recorded")
    if outcomes[Outcome.STORED]:
        seal_before(storage, latest_end(), storage.settle_seconds)
    return 0


def _record(storage: Storage, submissions: Iterator[Submission]) -> Counter[Outcome]:
    """Record in batches, with a bar on a terminal, and count what became of the samples.

    Ends with the first batch that is refused: a demo made earlier is good enough to look at.
    """
    outcomes: Counter[Outcome] = Counter()
    # `disable=None` looks whether stderr is a terminal.
    with tqdm(total=demo.EXPECTED_SAMPLES, unit=" samples", disable=None) as bar:
        while batch := list(itertools.islice(submissions, _BATCH)):
            verdicts = storage.record(batch, atomic=True)
            outcomes.update(verdict.outcome for verdict in verdicts)
            if has_refusal(verdicts):
                outcomes[Outcome.STORED] -= sum(one.outcome is Outcome.STORED for one in verdicts)
                break
            bar.update(len(batch))
    return outcomes
