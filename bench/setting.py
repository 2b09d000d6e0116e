"""What a run has been asked for, and what its parts share."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property

from bench import loading, service
from bench.data import Shape
from bench.loading import Loading
from bench.stores import DRIVERS, Fresh, Pair
from metering.storage.base import Storage


@dataclass(frozen=True)
class Options:
    """How much, and how often. `crowd` is how many post, or write, at once."""

    samples: int
    repeat: int
    driver: str
    workers: int
    crowd: int


@dataclass(frozen=True)
class Month:
    """A month in both stores, and the service on ours, whose days are sealed."""

    pair: Pair
    shape: Shape
    loading: Loading
    service: service.Service


class Setting:
    """The stores of one run; what is loaded for one part is there for the next."""

    def __init__(self, options: Options, fresh: Fresh, stack: ExitStack) -> None:
        """Take what is closed with the run."""
        self.options = options
        self._fresh = fresh
        self._stack = stack

    @cached_property
    def month(self) -> Month:
        """The month that most parts ask about."""
        return self.raced(Shape.of(self.options.samples))

    def raced(self, shape: Shape) -> Month:
        """A month that was recorded over HTTP and inserted as plain samples by turns."""
        pair = self._fresh()
        serving = self._served(pair.url, self.options.workers)
        loaded = loading.race(pair, serving, shape, self.options.repeat, self.options.crowd)
        service.seal(pair.url)
        return Month(pair, shape, loaded, serving)

    def filled(self, shape: Shape) -> Storage:
        """The driver on such a month of ours alone, sealed."""
        pair = self._fresh()
        loading.fill(pair.url, shape, self.options.crowd)
        service.seal(pair.url)
        return self._stack.enter_context(service.driver(pair.url))

    def alone(self, month: Month) -> service.Service:
        """Another service on the month, of one worker that has answered nothing yet."""
        return self._served(month.pair.url, 1)

    def _served(self, url: str, workers: int) -> service.Service:
        return self._stack.enter_context(service.serving(url, workers))


@contextmanager
def setting(options: Options) -> Iterator[Setting]:
    """A setting, with everything that it started ended."""
    with DRIVERS[options.driver]() as fresh, ExitStack() as stack:
        yield Setting(options, fresh, stack)
