"""Which pieces are asked for, and that no more than a bounded number is taken apart at once."""

from collections.abc import Collection, Iterator
from datetime import timedelta

import pytest
from builders import NOON, after_noon, readings

from metering.calendar import Calendar, Interval, read_zone
from metering.cuts import Cuts
from metering.model import MeterType
from metering.storage.base import Effort
from metering.storage.block_reader import Grain, SealedReads, grain_of
from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.handles import Handle, TrackReading
from metering.storage.track_summaries import TrackSummaries
from metering.times import EVER, FixedWindows, ListedWindows, Range, WholeRange, Windows

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


def of_calendar(interval: str, zone: str, days: float = 60) -> ListedWindows:
    """Windows of a ragged range of so many days."""
    made = Calendar(interval=Interval(interval), zone=read_zone(zone))
    return made.windows(after_noon(1), after_noon(1) + days * DAY).windows


WINDOWS += [
    (ListedWindows(), Grain.DAY),
    (ListedWindows((after_noon(1), after_noon(2))), Grain.DAY),
    (of_calendar("hour", "UTC"), Grain.HOUR),
    (of_calendar("hour", "Europe/Berlin"), Grain.HOUR),
    (of_calendar("hour", "Asia/Kathmandu"), Grain.READING),
    (of_calendar("hour", "Australia/Lord_Howe", 365), Grain.READING),
    (of_calendar("day", "UTC"), Grain.DAY),
    (of_calendar("day", "Europe/Berlin"), Grain.HOUR),
    (of_calendar("day", "Asia/Kathmandu"), Grain.HOUR),
    (of_calendar("week", "UTC"), Grain.DAY),
    (of_calendar("week", "America/New_York"), Grain.HOUR),
    (of_calendar("month", "Europe/Berlin", 100), Grain.DAY),
    (of_calendar("year", "Asia/Kathmandu", 900), Grain.DAY),
]


@pytest.mark.parametrize(("windows", "grain"), WINDOWS)
def test_grain(windows: Windows, grain: Grain) -> None:
    """Hours only where days would not do, readings where hours would not."""
    assert grain_of(windows) is grain


class Asked:
    """Has no blocks and few readings, and remembers how many tracks it was asked for at once."""

    def __init__(self) -> None:
        """Nothing was asked."""
        self.sizes: list[int] = []

    def blocks(self, handles: Collection[Handle], _: range) -> Iterator[StoredBlock]:
        """None."""
        self.sizes.append(len(handles))
        return iter(())

    def hours(self, days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
        """Nobody asks for those of no block."""
        raise AssertionError(days)

    def readings(self, handles: Collection[Handle], _: Range) -> Iterator[TrackReading]:
        """One for each track."""
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
def test_how_many_tracks_at_once(range_: Range, windows: Windows, most: int) -> None:
    """Fewer, the more pieces each may have; and every one has its piece."""
    asked, effort = Asked(), Effort()
    kinds = dict.fromkeys(range(1_500), MeterType.GAUGE)
    sealed = SealedReads(asked.blocks, asked.hours)
    summaries = TrackSummaries(sealed, asked.readings, range_, Cuts(windows=windows))
    found = list(summaries.pieces(kinds, effort))

    assert max(asked.sizes) == most
    assert sum(asked.sizes) == len(found) == effort.tracks == effort.samples == 1_500
