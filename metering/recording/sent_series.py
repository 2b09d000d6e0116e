"""The series that were met lately, by what was sent: a memory that is bounded by its bytes."""

from collections.abc import Hashable

from metering.metadata import Metadata
from metering.model import Series

# As measured with texts that are shared; beside the text of a description, which its series share.
_BYTES_OF_SERIES = 550
_BYTES_OF_DESCRIPTION = 500

_Described = dict[Hashable, Series]


class SentSeries:
    """At least what was added last, as much as has room; at most twice as much.

    Two generations, as in `Remembered`, and for the same reason. Descriptions come first in it,
    since they are long, and all meters of a resource have the same.
    """

    def __init__(self, most_bytes: int) -> None:
        """Empty."""
        self._most_bytes = most_bytes
        self._young: dict[Metadata | None, _Described] = {}
        self._old: dict[Metadata | None, _Described] = {}
        self._young_bytes = 0

    def get(self, description: Metadata | None, sent: Hashable) -> Series | None:
        """The series that was added under the description and whatever else was sent."""
        described = self._young.get(description)
        series = described.get(sent) if described else None
        if series is None:
            described = self._old.get(description)
            series = described.get(sent) if described else None
            if series is not None:
                self.add(description, sent, series)
        return series

    def add(self, description: Metadata | None, sent: Hashable, series: Series) -> None:
        """Remember the series."""
        described = self._young.get(description)
        if described is None:
            described = self._young[description] = {}
            self._young_bytes += _BYTES_OF_DESCRIPTION + len(series.metadata.text)
        described[sent] = series
        self._young_bytes += _BYTES_OF_SERIES
        if self._young_bytes > self._most_bytes:
            self._old, self._young, self._young_bytes = self._young, {}, 0
