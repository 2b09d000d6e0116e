"""Samples of rows: each description that rows name is looked up once, some rows at a time."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from metering.chunks import growing_chunks
from metering.errors import Misconfigured
from metering.metadata import Metadata
from metering.model import Sample, Series
from metering.storage.handles import Handle, Tracks
from metering.storage.stored_sample import StoredSample

# Of a track and a description.
Handles = tuple[Handle, Handle]
ReadDescriptions = Callable[[Collection[Handle]], Iterable[tuple[Handle, Metadata]]]

# The first are those of a page.
_FIRST_ROWS = 128
_MOST_ROWS = 1_024
# Where each sample has another description, no more are held at once.
_MOST_SERIES = 4_096


class SeriesLookUp:
    """Makes series of tracks and descriptions, and remembers some; generators may share one."""

    def __init__(self, read: ReadDescriptions, tracks: Tracks) -> None:
        """Take the way to look descriptions up, and the tracks that there are."""
        self._read = read
        self._tracks = tracks
        self._metadata: dict[Handle, Metadata] = {}
        self._series: dict[Handles, Series] = {}

    def series(self, pairs: Sequence[Handles]) -> list[Series]:
        """The series of each of these tracks and descriptions; unknown ones looked up in one go.

        Raises:
            Misconfigured: there is no such description.
        """
        found = {pair: self._series[pair] for pair in pairs if pair in self._series}
        missing = {pair for pair in pairs if pair not in found}
        if missing:
            if len(self._series) > _MOST_SERIES:
                self._series.clear()
                self._metadata.clear()
            metadata = self._look_up({description for _, description in missing})
            for track, description in missing:
                found[track, description] = Series(self._tracks[track], metadata[description])
            self._series.update(found)
        return [found[pair] for pair in pairs]

    def _look_up(self, descriptions: set[Handle]) -> Mapping[Handle, Metadata]:
        found = {one: self._metadata[one] for one in descriptions if one in self._metadata}
        unknown = descriptions - found.keys()
        if unknown:
            found.update(self._read(unknown))
            self._metadata.update(found)
        if len(found) < len(descriptions):
            raise Misconfigured("metadata of samples are missing: metering-manage verify says more")
        return found

    def with_series(self, rows: Iterable[StoredSample]) -> Iterator[tuple[StoredSample, Series]]:
        """The rows and their series, in order."""
        for some in growing_chunks(rows, _FIRST_ROWS, _MOST_ROWS):
            series = self.series([(row.track, row.description) for row in some])
            yield from zip(some, series, strict=True)

    def samples(self, rows: Iterable[StoredSample]) -> Iterator[tuple[StoredSample, Sample]]:
        """The rows and the samples that they are, in order."""
        for row, series in self.with_series(rows):
            yield row, row.sample(series)
