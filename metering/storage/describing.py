"""Samples of rows: each description that rows name is looked up once, some rows at a time."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from metering.matching import matches, reduced
from metering.metadata import Metadata
from metering.model import Sample, Series, Track
from metering.query import EVERYTHING, NOTHING, Filter
from metering.storage.chunks import growing_chunks
from metering.storage.handles import Handle, Row

ReadDescriptions = Callable[[Collection[Handle]], Iterable[tuple[Handle, Metadata]]]

# The first are those of a page.
_FIRST_ROWS = 128
_MOST_ROWS = 1_024
# Where each sample has another description, no more are held at once.
_MOST_SERIES = 4_096


class Describing:
    """Makes series of tracks and descriptions."""

    def __init__(self, read: ReadDescriptions, tracks: Mapping[Handle, Track]) -> None:
        """Take the way to look descriptions up, and the tracks that there are."""
        self._read = read
        self._tracks = tracks
        self._described: dict[Handle, Metadata] = {}
        self._series: dict[tuple[Handle, Handle], Series] = {}

    def learn(self, descriptions: Collection[Handle]) -> None:
        """Look up those that are not known, all in one; others may be forgotten."""
        if len(self._described) > _MOST_SERIES:
            self._described.clear()
        if len(self._series) > _MOST_SERIES:
            self._series.clear()
        unknown = [one for one in descriptions if one not in self._described]
        if unknown:
            self._described.update(self._read(unknown))

    def series(self, track: Handle, description: Handle) -> Series:
        """The series of a track under a description that was learnt just before."""
        found = self._series.get((track, description))
        if found is None:
            found = Series(self._tracks[track], self._described[description])
            self._series[track, description] = found
        return found

    def described(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Series]]:
        """The rows and their series, in order."""
        for some in growing_chunks(rows, _FIRST_ROWS, _MOST_ROWS):
            self.learn({row.description for row in some})
            for row in some:
                yield row, self.series(row.handle, row.description)

    def samples(self, rows: Iterable[Row]) -> Iterator[tuple[Row, Sample]]:
        """The rows and the samples that they are, in order."""
        for row, series in self.described(rows):
            yield row, row.sample(series)


class Sieve:
    """Which samples match what is left to ask of each track; each series is decided once."""

    def __init__(self, left: Mapping[Handle, Filter]) -> None:
        """Take what is left to ask; a track without anything matches."""
        self._left = left
        self._decided: dict[tuple[Handle, Handle], Filter] = {}

    def passes(self, row: Row, sample: Sample) -> bool:
        """Whether the sample of a row matches."""
        left = self._left.get(row.handle, EVERYTHING)
        if left is EVERYTHING:
            return True
        rest = self._decided.get((row.handle, row.description))
        if rest is None:
            if len(self._decided) > _MOST_SERIES:
                self._decided.clear()
            rest = reduced(left, sample.series)
            self._decided[row.handle, row.description] = rest
        return rest == EVERYTHING or (rest != NOTHING and matches(rest, sample))
