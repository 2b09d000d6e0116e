"""Handles: what a driver calls a track, rollup or description, and nobody else looks into."""

from collections.abc import Hashable

from metering.summary import Reading

Handle = Hashable
Pair = tuple[Handle, Reading]
