"""How the cost grows with samples a day and with series: against ourselves.

At the driver: what a request costs whatever it asks would hide growth.
"""

from collections.abc import Callable, Iterator
from functools import partial

from bench.clock import by_turns
from bench.data import Shape
from bench.questions import meters, month_of_project, resources
from bench.setting import Setting
from bench.table import Row
from metering.storage.base import Storage

_DENSER = (1, 2, 4)
_WIDER = (1, 10)

Ask = Callable[[Storage], object]


def rows(setting: Setting) -> Iterator[Row]:
    """The largest variant of each kind has about the samples that were asked for."""
    least = Shape.of(setting.options.samples // max(_DENSER))
    denser = {times: least.denser(times) for times in _DENSER}
    yield from _grown(setting, denser, "samples a day", {"month of a project": month_of_project})
    least = Shape.of(setting.options.samples // max(_WIDER))
    wider = {times: least.wider(times) for times in _WIDER}
    asks = {"month of a project": month_of_project, "resources": resources, "meters": meters}
    yield from _grown(setting, wider, "series", asks)


def _grown(
    setting: Setting, shapes: dict[int, Shape], what: str, asks: dict[str, Ask]
) -> Iterator[Row]:
    stores = {times: setting.filled(shape) for times, shape in shapes.items()}
    for name, ask in asks.items():
        calls = [partial(ask, storage) for storage in stores.values()]
        first, *others = by_turns(setting.options.repeat, *calls)
        for times, one in zip(list(stores)[1:], others, strict=True):
            goal = "< 1.2x" if (what, times) == ("samples a day", 2) else ""
            text = f"{name}, {times}x {what}"
            yield Row(text, f"1x: {first.time}", one.time, one.median / first.median, goal)
