"""`metering-manage expire`: let samples go that were kept long enough."""

import argparse
import time
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from tqdm import tqdm

from metering import times
from metering.cmd.common import add_command, add_settle_argument, settle_seconds
from metering.config import Config
from metering.model import AllProjects
from metering.query import FIELDS, AnyOf, Comparison, Filter, Not, Operator, SummaryQuery
from metering.retention import Horizons
from metering.storage.base import Storage
from metering.times import FIRST, Range, WholeRange

if TYPE_CHECKING:
    from metering.cmd.common import Commands


def add_expire(commands: "Commands") -> None:
    """Let `metering-manage` take `expire`."""
    text = (
        "delete samples that are older than [retention] lets them be, and refuse them from now on"
    )
    parser = add_command(commands, "expire", text, _expire)
    add_settle_argument(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would go, by meter, and change nothing"
    )


def _expire(config: Config, storage: Storage, arguments: argparse.Namespace) -> int:
    storage.ping()
    horizons = storage.horizons().joined(config.retention.horizons(times.now()))
    if arguments.dry_run:
        for meter, count in sorted(_expiring(storage, horizons).items()):
            print(f"{meter}: {count} samples before {times.write(horizons.of(meter))}")
        return 0
    retired = storage.retire(horizons)
    if retired != Horizons():
        # As long as the samples are there, nobody can store them again.
        time.sleep(settle_seconds(storage, arguments))
    with tqdm(unit=" samples", disable=None) as bar:
        gone = 0
        for count in storage.purge(retired):
            bar.update(count)
            gone += count
    print(f"{gone} samples have expired and are deleted")
    return 0


def _expiring(storage: Storage, horizons: Horizons) -> Counter[str]:
    """How many samples each meter has before its horizon, if any."""
    counts: Counter[str] = Counter()
    own = [Comparison(FIELDS["meter"], Operator.EQ, meter) for meter in horizons.meters]
    asked: list[tuple[datetime, Filter]] = [(horizons.default, Not(AnyOf(tuple(own))))]
    asked += [(horizons.of(str(one.value)), one) for one in own]
    for before, filter_ in asked:
        if before == FIRST:
            continue
        range_ = Range(None, before)
        query = SummaryQuery(
            scope=AllProjects(),
            range=range_,
            windows=WholeRange(range_),
            filter=filter_,
            by_series=False,
        )
        for found in storage.summaries(query):
            counts[found.subject.meter] += found.summary.count
    return counts
