"""The parts of a run: each gives some rows of the table, and can be run alone."""

from collections.abc import Callable, Iterator, Mapping

from bench.parts import catalogue, growth, ingest, listing, size, statistics, streaming, worst
from bench.setting import Setting
from bench.table import Row

PARTS: Mapping[str, Callable[[Setting], Iterator[Row]]] = {
    "ingest": ingest.rows,
    "statistics": statistics.rows,
    "catalogue": catalogue.rows,
    "size": size.rows,
    "listing": listing.rows,
    "streaming": streaming.rows,
    "growth": growth.rows,
    "worst": worst.rows,
}
