"""Publishes samples as an agent of Ceilometer does, by its own classes, where these are installed.

In: `{"url": ..., "batches": [[sample, ...], ...]}`, a sample as the arguments of Ceilometer's
`Sample`, or of its `from_notification` if it has a `message`. Out: where the publisher posted to,
what it logged, and the seconds that each batch took.
"""

import json
import logging
import sys
import time

from ceilometer.publisher import get_publisher
from ceilometer.sample import Sample
from oslo_config import cfg


class Kept(logging.Handler):
    """Keeps what is logged, as pairs of level and text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append([record.levelname, record.getMessage()])


def agent_options() -> cfg.ConfigOpts:
    """The one option of an agent that the publisher reads, with the agent's default."""
    conf = cfg.ConfigOpts()
    conf.register_opt(cfg.IntOpt("max_parallel_requests", default=64))
    conf([])
    return conf


def make_sample(given: dict) -> Sample:
    """A sample as a pollster makes it, or as one is made from a notification."""
    return Sample.from_notification(**given) if "message" in given else Sample(**given)


def main() -> None:
    """Publish the batches."""
    asked = json.load(sys.stdin)
    kept = Kept()
    logger = logging.getLogger("ceilometer")
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    publisher = get_publisher(agent_options(), asked["url"], "ceilometer.sample.publisher")
    seconds = []
    for batch in asked["batches"]:
        samples = [make_sample(given) for given in batch]
        begin = time.monotonic()
        publisher.publish_samples(samples)
        seconds.append(time.monotonic() - begin)
    target = getattr(publisher, "target", None)  # that of a file has none
    json.dump({"target": target, "log": kept.lines, "seconds": seconds}, sys.stdout)


main()
