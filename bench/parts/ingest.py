"""Recording: posters of batches over HTTP against as many writers of plain samples."""

from collections.abc import Iterator

from bench.clock import Figure
from bench.loading import Loading
from bench.setting import Setting
from bench.table import Row


def rows(setting: Setting) -> Iterator[Row]:
    """Over HTTP, and what of it is the driver's."""
    yield from rows_of(setting.month.loading, "ingest", ">= 1.0x, then 2x")


def rows_of(loading: Loading, name: str, goal: str) -> Iterator[Row]:
    """By the clock, and by the processors: the second is the steadier on a busy machine.

    The processors are those of the database, of the service, and of who posts or writes: posting
    is sending bytes, while the encoding of documents is the writers' work.
    """
    plain, ours, driver = loading.plain, loading.over_http, loading.driver
    yield _of_rates(f"{name} over HTTP", plain.rate, ours.rate, goal)
    yield _of_rates("- at the driver", plain.rate, driver.rate)
    yield _of_costs("- over HTTP, processors a sample", plain.cost, ours.cost)
    yield _of_costs("- at the driver, processors a sample", plain.cost, driver.cost)


def _of_rates(name: str, plain: Figure, ours: Figure, goal: str = "") -> Row:
    return Row(name, plain.rate, ours.rate, ours.median / plain.median, goal)


def _of_costs(name: str, plain: Figure, ours: Figure) -> Row:
    return Row(name, plain.cost, ours.cost, plain.median / ours.median)
