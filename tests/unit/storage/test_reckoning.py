"""Which pieces are asked for, and that no more than a bounded number is taken apart at once."""

from collections.abc import Collection, Iterator
from datetime import timedelta

import pytest
from builders import NOON, after_noon, readings, series

from metering.cuts import Cuts
from metering.storage.base import Effort
from metering.storage.blocks import Grain, StoredBlock
from metering.storage.handles import Handle, Pair
from metering.storage.reckoning import Reckoner, grain_of
from metering.times import EVER, FixedWindows, Range, WholeRange, Windows

DAY = timedelta(days=1)
MIDNIGHT = NOON.replace(hour=0)
WINDOWS = [
    (WholeRange(EVER), Grain.DAY),
    (FixedWindows(MIDNIGHT, 86_400), Grain.DAY),
    (FixedWindows(MIDNIGHT - 3 * DAY, 7 * 86_400), Grain.DAY),
    (FixedWindows(NOON, 86_400), Grain.HOUR),
    (FixedWindows(MIDNIGHT, 3_600), Grain.HOUR),
    (FixedWindows(MIDNIGHT, 3_601), Grain.HOUR),
    (FixedWindows(after_noon(1), 86_400), Grain.HOUR),
    (FixedWindows(after_noon(1), 40 * 86_400), Grain.DAY),
    (FixedWindows(MIDNIGHT, 3_599), Grain.READING),
]


@pytest.mark.parametrize(("windows", "grain"), WINDOWS)
def test_grain(windows: Windows, grain: Grain) -> None:
    """Hours only where days would not do, nothing where hours would not."""
    assert grain_of(windows) is grain


class Asked:
    """Has no blocks and few readings, and remembers how many series it was asked for at once."""

    def __init__(self) -> None:
        """Nothing was asked."""
        self.sizes: list[int] = []

    def blocks(self, handles: Collection[Handle], _: range, __: Grain) -> Iterator[StoredBlock]:
        """None."""
        self.sizes.append(len(handles))
        return iter(())

    def readings(self, handles: Collection[Handle], _: Range) -> Iterator[Pair]:
        """One for each series."""
        for handle in handles:
            yield handle, readings((0, 1))[0]


@pytest.mark.parametrize(
    ("range_", "windows", "most"),
    [
        (Range(MIDNIGHT, MIDNIGHT + 30 * DAY), WholeRange(EVER), 1_000),
        (Range(MIDNIGHT, MIDNIGHT + 30 * DAY), FixedWindows(MIDNIGHT, 3_600), 41),
        (EVER, WholeRange(EVER), 300),
    ],
)
def test_how_many_series_at_once(range_: Range, windows: Windows, most: int) -> None:
    """Fewer, the more pieces each may have; and every one has its piece."""
    asked, effort = Asked(), Effort()
    members = {number: series(resource_id=str(number)) for number in range(1_500)}
    reckoner = Reckoner(asked.blocks, asked.readings, range_, Cuts(windows=windows))
    found = list(reckoner.pieces(members, effort))

    assert max(asked.sizes) == most
    assert sum(asked.sizes) == len(found) == effort.series == effort.samples == 1_500
