"""The highest sum of volumes that held at the same time."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal, localcontext

from metering.decimals import EXACT
from metering.usage.quantities import Level


def peak(levels: Iterable[Level]) -> Decimal | None:
    """The highest sum of levels that overlap in time, which are half-open; None without any."""
    changes: dict[datetime, list[Level]] = defaultdict(list)
    for level in levels:
        if level.start < level.end:
            changes[level.start].append(level)
            changes[level.end].append(level)
    highest: Decimal | None = None
    together, count = Decimal(0), 0
    with localcontext(EXACT):
        for instant in sorted(changes):
            for level in changes[instant]:
                sign = 1 if level.start == instant else -1
                together += sign * level.volume
                count += sign
            if count and (highest is None or together > highest):
                highest = together
    return highest
