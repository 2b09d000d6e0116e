"""Lists that follow from samples: resources and meters."""

from collections.abc import Iterator

from bench.clock import by_turns
from bench.plain import OF_METERS
from bench.setting import Setting
from bench.table import Row

_LIMIT = 100


def rows(setting: Setting) -> Iterator[Row]:
    """Both over HTTP; the rival has an index for each, which it pays for in no other row."""
    month, repeat = setting.month, setting.options.repeat
    ours, plain = month.service, month.pair.plain
    path = f"/v2/resources?limit={_LIMIT}"
    rival, over_http = by_turns(repeat, lambda: plain.resources(_LIMIT), lambda: ours.get(path))
    yield Row(path, rival.time, over_http.time, rival.median / over_http.median, ">= 100x")
    path = f"/v2/meters?limit={_LIMIT}"
    with plain.indexed(*OF_METERS):
        rival, over_http = by_turns(repeat, lambda: plain.meters(_LIMIT), lambda: ours.get(path))
    yield Row(path, rival.time, over_http.time, rival.median / over_http.median, ">= 100x")
