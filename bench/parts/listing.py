"""A long page of samples."""

from collections.abc import Iterator
from itertools import islice

from bench import service
from bench.clock import by_turns
from bench.setting import Setting
from bench.table import Row
from metering.model import AllProjects
from metering.query import SampleQuery
from metering.storage.base import Storage

_LIMIT = 10_000


def rows(setting: Setting) -> Iterator[Row]:
    """Over HTTP against the rival in process, and what of it is the driver's."""
    month = setting.month
    plain = month.pair.plain
    with service.driver(month.pair.url) as storage:
        rival, over_http, alone = by_turns(
            setting.options.repeat,
            lambda: plain.newest(_LIMIT),
            lambda: month.service.get(f"/v2/samples?limit={_LIMIT}"),
            lambda: _newest(storage),
        )
    ratio = over_http.median / rival.median
    yield Row("GET of 10,000 samples", rival.time, over_http.time, ratio, "<= 1.5x")
    yield Row("- at the driver", rival.time, alone.time, alone.median / rival.median)


def _newest(storage: Storage) -> object:
    return list(islice(storage.samples(SampleQuery(scope=AllProjects())), _LIMIT))
