"""The table: a row for each figure, with its rival, the ratio and the goal."""

from collections.abc import Iterable
from dataclasses import dataclass

_MANY = 100
_HEADS = ("figure", "rival", "ours", "ratio", "goal")


@dataclass(frozen=True)
class Row:
    """One comparison, in words; the ratio is as the goal has it."""

    name: str
    rival: str
    ours: str
    ratio: float | None
    goal: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts, in the order of the heads."""
        ratio = "" if self.ratio is None else f"{short(self.ratio)}x"
        return self.name, self.rival, self.ours, ratio, self.goal


def written(rows: Iterable[Row]) -> str:
    """The rows as a simple table of reStructuredText."""
    lines = [_HEADS, *(row.cells for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    texts = [
        # An empty first cell would continue the row before; the others may be empty.
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([rule, texts[0], rule, *texts[1:], rule])


def short(number: float) -> str:
    """The number with three digits, or all that stand before the point."""
    return f"{number:,.0f}" if number >= _MANY else f"{number:.3g}"
