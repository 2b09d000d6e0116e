"""Lists that follow from samples: resources and meters."""

from collections.abc import Iterator

from bench.clock import by_turns
from bench.plain import OF_METERS
from bench.setting import Setting
from bench.table import Row

_LIMIT = 100


def rows(setting: Setting) -> Iterator[Row]:
    """Both over HTTP.

    Against resources there are two rivals: a group over a key for each sample, and skips through
    an index from resource to resource, the best that there is. For meters there are no such skips.
    """
    month, repeat = setting.month, setting.options.repeat
    ours, plain = month.service, month.pair.plain
    path = f"/v2/resources?limit={_LIMIT}"
    grouped, skipped, over_http = by_turns(
        repeat,
        lambda: plain.grouped_resources(_LIMIT),
        lambda: plain.resources(_LIMIT),
        lambda: ours.get(path),
    )
    yield Row(path, grouped.time, over_http.time, grouped.median / over_http.median, ">= 100x")
    ratio = skipped.median / over_http.median
    yield Row("- against skips", skipped.time, over_http.time, ratio)
    path = f"/v2/meters?limit={_LIMIT}"
    with plain.indexed(*OF_METERS):
        rival, over_http = by_turns(repeat, lambda: plain.meters(_LIMIT), lambda: ours.get(path))
    yield Row(path, rival.time, over_http.time, rival.median / over_http.median, ">= 100x")
