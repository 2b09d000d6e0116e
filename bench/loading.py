"""How samples get in: slice by slice and by turns where it is timed, else as fast as it goes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench import service
from bench.clock import Figure
from bench.crowd import Effort, dealt, together
from bench.data import Shape, Usage, chunks, usage
from bench.stores import Pair

_SLICES_TO_FILL = 5

Batches = list[list[Usage]]
Write = Callable[[Batches], Effort]
Clock = Callable[[], float]


@dataclass(frozen=True)
class Racer:
    """A way to write, and what its other processes have spent of processors up to now."""

    write: Write
    spent: Clock
    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def run(self, batches: Batches) -> None:
        """Write a slice, and note samples a second, and processor seconds a sample."""
        samples = sum(map(len, batches))
        before = self.spent()
        effort = self.write(batches)
        self.rates.append(samples / effort.seconds)
        self.costs.append((self.spent() - before + effort.processor_seconds) / samples)

    @property
    def rate(self) -> Figure:
        """Samples a second; the first slice found processes that had done nothing yet."""
        return Figure.of(self.rates[1:])

    @property
    def cost(self) -> Figure:
        """Processor seconds a sample, of all that takes part."""
        return Figure.of(self.costs[1:])


@dataclass(frozen=True)
class Loading:
    """How it went: plain samples, ours over HTTP, and ours by the driver alone."""

    plain: Racer
    over_http: Racer
    driver: Racer


def race(pair: Pair, serving: service.Service, shape: Shape, rounds: int, crowd: int) -> Loading:
    """Write the same slices everywhere, beginning with another one each time.

    All stores grow as they go, so the rates are those of stores of all sizes up to the whole.
    """

    def post(batches: Batches) -> Effort:
        bodies = [service.body(batch) for batch in batches]
        return together(serving.poster, dealt(bodies, crowd))

    loading = Loading(
        plain=Racer(_by(pair.plain.writer, crowd), pair.server_spent),
        over_http=Racer(post, lambda: serving.spent() + pair.server_spent()),
        driver=Racer(_recording(pair.spare_url, crowd), pair.server_spent),
    )
    order = [loading.plain, loading.over_http, loading.driver]
    for samples in chunks(usage(shape), -(-shape.samples // (rounds + 1))):
        batches = _batches(samples)
        order.append(order.pop(0))
        for racer in order:
            racer.run(batches)
    return loading


def fill(url: str, shape: Shape, crowd: int) -> None:
    """Write by the driver alone."""
    write = _recording(url, crowd)
    for samples in chunks(usage(shape), max(service.BATCH, shape.samples // _SLICES_TO_FILL)):
        write(_batches(samples))


def _by(writer: Callable[[Batches], Callable[[], None]], crowd: int) -> Write:
    return lambda batches: together(writer, dealt(batches, crowd))


def _recording(url: str, crowd: int) -> Write:
    return _by(lambda share: service.recorder(url, share), crowd)


def _batches(samples: Sequence[Usage]) -> Batches:
    return list(chunks(iter(samples), service.BATCH))
