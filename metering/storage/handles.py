"""Handles: what a driver calls a track, rollup or description, and nobody else looks into."""

from collections.abc import Hashable, Mapping
from datetime import datetime

from metering.model import Track
from metering.summary import Reading

Handle = Hashable
# A track at an instant.
Moment = tuple[Handle, datetime]
# A reading, and the track that it is of.
TrackReading = tuple[Handle, Reading]
Tracks = Mapping[Handle, Track]
