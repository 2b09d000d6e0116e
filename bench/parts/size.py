"""Bytes on disk, indexes included."""

from collections.abc import Iterator

from bench.setting import Month, Setting
from bench.table import Row


def rows(setting: Setting) -> Iterator[Row]:
    """Of each sample of the month."""
    yield row(setting.month, "bytes a sample", "<= 0.2x")


def row(month: Month, name: str, goal: str) -> Row:
    """The row of a month; whatever belongs to the samples is shared among them."""
    plain, ours = month.pair.plain.stored_bytes(), month.pair.our_bytes()
    samples = month.shape.samples
    return Row(name, f"{plain / samples:,.0f}", f"{ours / samples:,.0f}", ours / plain, goal)
