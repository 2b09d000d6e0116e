"""The worst case: metadata that changes with every sample, so that each is a series of its own."""

from collections.abc import Iterator
from dataclasses import replace

from bench.clock import by_turns
from bench.data import Shape
from bench.parts import ingest, size
from bench.plain import OF_USAGE
from bench.questions import MONTH_OF_PROJECT, USAGE_OF_PROJECT
from bench.setting import Setting
from bench.table import Row

_PART = 4
_LIMIT = 100


def rows(setting: Setting) -> Iterator[Row]:
    """A quarter of the samples that were asked for."""
    shape = Shape.of(setting.options.samples // _PART)
    month = setting.raced(replace(shape, churning=True))
    repeat, ours, plain = setting.options.repeat, month.service, month.pair.plain
    yield from ingest.rows_of(month.loading, "worst case: ingest", ">= 1.0x")
    asks = {
        "month of a project": (plain.month_of_project, MONTH_OF_PROJECT),
        "usage of a project": (plain.usage_of_project, USAGE_OF_PROJECT),
        "resources": (lambda: plain.resources(_LIMIT), f"/v2/resources?limit={_LIMIT}"),
    }
    with plain.indexed(*OF_USAGE):
        for name, (ask, path) in asks.items():
            rival, over_http = by_turns(repeat, ask, lambda path=path: ours.get(path))
            ratio = rival.median / over_http.median
            yield Row(f"worst case: {name}", rival.time, over_http.time, ratio, ">= 1.0x")
    yield from size.rows_of(month, "worst case: bytes a sample", "<= 1.0x")
