"""Which samples match what is left of a filter once it was decided on their tracks."""

from collections.abc import Mapping

from metering.matching import matches, reduced
from metering.model import Sample
from metering.query import EVERYTHING, NOTHING, Filter
from metering.storage.handles import Handle
from metering.storage.stored_sample import StoredSample

# Where each sample has another description, no more are held at once.
_MOST_SERIES = 4_096


class SampleFilter:
    """Which samples match what is left to ask of each track; each series is decided once."""

    def __init__(self, left: Mapping[Handle, Filter]) -> None:
        """Take what is left to ask; a track without anything matches."""
        self._left = left
        self._decided: dict[tuple[Handle, Handle], Filter] = {}

    def passes(self, row: StoredSample, sample: Sample) -> bool:
        """Whether the sample of a row matches."""
        left = self._left.get(row.track, EVERYTHING)
        if left == EVERYTHING:
            return True
        rest = self._decided.get((row.track, row.description))
        if rest is None:
            if len(self._decided) > _MOST_SERIES:
                self._decided.clear()
            rest = reduced(left, sample.series)
            self._decided[row.track, row.description] = rest
        return rest == EVERYTHING or (rest != NOTHING and matches(rest, sample))
