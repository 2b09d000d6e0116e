"""Usage as one reckons it in Python from readings, in one pass over each stream, in doubles.

The same rules as ours of resets and of how long a reading holds, but only of what lies inside of
the month: it looks for no reading before it, nor after it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, pairwise
from operator import itemgetter

from bench.data import END

MAX_GAP_SECONDS = 3_600.0

# Of each meter, type and unit.
Quantities = Mapping[tuple[str, str, str], float]
# Meter, type, unit and resource; seconds since 1970, and the volume.
Row = tuple[str, str, str, str, float, float]

_END = END.timestamp()
_SECONDS_IN_AN_HOUR = 3_600


def usage(rows: Iterable[Row]) -> Quantities:
    """The usage of the rows, which come by stream and time."""
    found: dict[tuple[str, str, str], float] = {}
    for (*meter, _), of_stream in groupby(rows, key=itemgetter(0, 1, 2, 3)):
        name, type_, unit = meter
        readings = [(at, volume) for *_, at, volume in of_stream]
        key = (name, type_, unit)
        found[key] = found.get(key, 0.0) + _OF_TYPE[type_](readings)
    return found


def _sum(readings: Sequence[tuple[float, float]]) -> float:
    return sum([volume for _, volume in readings])


def _increase(readings: Sequence[tuple[float, float]]) -> float:
    return sum(
        [
            later - earlier if later >= earlier else later
            for (_, earlier), (_, later) in pairwise(readings)
        ]
    )


def _hours(readings: Sequence[tuple[float, float]]) -> float:
    return sum(_unit_seconds(readings)) / _SECONDS_IN_AN_HOUR


def _unit_seconds(readings: Sequence[tuple[float, float]]) -> Iterator[float]:
    for (at, volume), (until, _) in pairwise([*readings, (_END, 0.0)]):
        gap = until - at
        yield volume * min(gap, MAX_GAP_SECONDS)


_OF_TYPE = {"delta": _sum, "cumulative": _increase, "gauge": _hours}
