"""Imported by a service, it lets its drivers strike no day: for negative controls."""

from typing import Any

from metering.storage.mongodb import writing
from metering.storage.sqlite import sealing


def strike(*_: Any) -> None:
    """Forget to."""


writing.strike = strike
sealing.strike = strike
