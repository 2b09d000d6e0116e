"""A sample as a driver keeps it."""

from datetime import datetime
from decimal import Decimal

import msgspec

from metering.model import Sample, Series
from metering.storage.handles import Handle


class StoredSample(msgspec.Struct, frozen=True):
    """A sample as a driver keeps it: handles of its track and of its description."""

    track: Handle
    description: Handle
    id: str
    timestamp: datetime
    volume: Decimal
    recorded_at: datetime

    def sample(self, series: Series) -> Sample:
        """The sample, given the series that the handles stand for."""
        return Sample(
            series=series,
            id=self.id,
            timestamp=self.timestamp,
            volume=self.volume,
            recorded_at=self.recorded_at,
        )
