"""Bytes that are stored, indexes included."""

from collections.abc import Iterator

from bench.setting import Month, Setting
from bench.table import Row


def rows(setting: Setting) -> Iterator[Row]:
    """Of each sample of the month."""
    yield from rows_of(setting.month, "bytes a sample", "<= 0.2x")


def rows_of(month: Month, name: str, goal: str) -> Iterator[Row]:
    """On disk, where MongoDB has compressed documents that are much alike; and before that.

    Before is what MongoDB keeps in its cache. Whatever belongs to the samples is shared among them.
    """
    plain, ours = month.pair.plain.size(), month.pair.our_size()
    yield _row(name, plain.on_disk, ours.on_disk, month.shape.samples, goal)
    if ours.uncompressed != ours.on_disk:
        text = "- before compression"
        yield _row(text, plain.uncompressed, ours.uncompressed, month.shape.samples, goal)


def _row(name: str, plain: int, ours: int, samples: int, goal: str) -> Row:
    return Row(name, f"{plain / samples:,.0f}", f"{ours / samples:,.0f}", ours / plain, goal)
