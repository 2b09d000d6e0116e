"""Where a sample stands among all, in one number: its instant, and the first 12 bits of its key.

That is nearly the order of samples, (timestamp, key), in half the bytes of both, which every index
would have to hold. Of 200,000 samples polled in the same millisecond some 50 share each rank: those
are put in order by who reads them.
"""

from datetime import datetime
from typing import NamedTuple

from metering.times import Range, from_milliseconds, to_milliseconds

_BITS_OF_KEY = 12


class Ranks(NamedTuple):
    """The ranks from the lowest to the highest, both included; None is without end."""

    lowest: int | None
    highest: int | None


def rank_of(at: datetime, key: bytes) -> int:
    """Milliseconds since 1970 times 4096, and 12 bits of the key: 63 bits beyond the year 9999.

    The key of a position that a client made up may be short, even empty.
    """
    return _first_at(at) | int.from_bytes(key[:2].ljust(2, b"\0")) >> 4


def instant_of(rank: int) -> datetime:
    """The timestamp of the samples that have this rank."""
    return from_milliseconds(rank >> _BITS_OF_KEY)


def ranks_between(first: datetime, last: datetime) -> Ranks:
    """Those of the samples from one instant to another, both included."""
    return Ranks(_first_at(first), _first_at(last) | (1 << _BITS_OF_KEY) - 1)


def ranks_in(range_: Range) -> Ranks:
    """Those of the samples in range."""
    return Ranks(
        None if range_.start is None else _first_at(range_.start),
        None if range_.end is None else _first_at(range_.end) - 1,
    )


def _first_at(at: datetime) -> int:
    return to_milliseconds(at) << _BITS_OF_KEY
