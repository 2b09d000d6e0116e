"""Handles: what a driver calls a series, and nobody else looks into."""

from collections.abc import Hashable

from metering.summary import Reading

Handle = Hashable
Pair = tuple[Handle, Reading]
