"""Figures: what is said of the portions of a row, by name.

A figure is a function, with a parameter where it takes one. Beside it stands what it is made of,
so that a store is asked for no more than the figures of a question need.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from enum import Enum

from metering.decimals import EXACT, canonical, quotient, root_quotient, rounded_quotient
from metering.model import MeterType
from metering.summary import Summary, total
from metering.usage.peaks import peak
from metering.usage.quantities import Level, Portion

_SUMMARIES_AT_ONCE = 100
_ZERO = Decimal(0)
_SECOND, _HOUR = "second", "hour"

SECONDS_IN = {_SECOND: 1, "minute": 60, _HOUR: 3_600, "day": 86_400}
CARDINALITY_FIELDS = ("resource_id", "user_id", "project_id", "source")


class Quality(Enum):
    """How far a figure can be relied on: until later readings, for ever, or not any more.

    It is expired where samples that would count have been deleted, or may have been.
    """

    PROVISIONAL = "provisional"
    FINAL = "final"
    EXPIRED = "expired"


class Basis(Enum):
    """What a figure is made of: readings by themselves, or what happens between them."""

    READINGS = "readings"
    INCREASE = "increase"
    HOLDING = "holding"
    LEVELS = "levels"
    BY_TYPE = "by type"

    def of_type(self, kind: MeterType) -> "Basis":
        """What it is for a type of meter: usage is the sum, the increase, or the integral."""
        return _OF_TYPE[kind] if self is Basis.BY_TYPE else self


_OF_TYPE = {
    MeterType.DELTA: Basis.READINGS,
    MeterType.CUMULATIVE: Basis.INCREASE,
    MeterType.GAUGE: Basis.HOLDING,
}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One figure of a row: a function, and its parameter where it has one."""

    function: str
    param: str | None = None

    @property
    def name(self) -> str:
        """How answers call it: `sum`, `cardinality/resource_id`."""
        return self.function if self.param is None else f"{self.function}/{self.param}"

    @property
    def basis(self) -> Basis:
        """What it is made of."""
        return FUNCTIONS[self.function].basis


@dataclass(slots=True)
class Accumulator:
    """The portions of one row so far; of values and levels no more than is asked for.

    `seconds` is how long its window is, None without end; the type is None where it does not tell
    rows apart.
    """

    counted: tuple[str, ...]
    has_levels: bool
    seconds: Decimal | None
    kind: MeterType | None = None
    distinct: dict[str, set[str | None]] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    measured: Decimal = _ZERO
    interpolated: Decimal = _ZERO
    resets: int = 0
    unit_seconds: Decimal = _ZERO
    observed_seconds: Decimal = _ZERO
    is_provisional: bool = False
    has_expired: bool = False
    _summaries: list[Summary] = field(default_factory=list)

    def add(self, one: Portion) -> None:
        """Add a portion; as soon as there are many Summaries, they are made one."""
        if one.summary is not None:
            self._summaries.append(one.summary)
            if len(self._summaries) >= _SUMMARIES_AT_ONCE:
                self._summaries = [total(self._summaries)]
            for name in self.counted:
                self.distinct.setdefault(name, set()).add(getattr(one.subject, name))
            return
        self.measured = EXACT.add(self.measured, one.measured)
        self.interpolated = EXACT.add(self.interpolated, one.interpolated)
        self.resets += one.resets
        self.unit_seconds = EXACT.add(self.unit_seconds, one.unit_seconds)
        self.observed_seconds = EXACT.add(self.observed_seconds, one.observed_seconds)
        self.is_provisional |= one.is_provisional
        if self.has_levels and one.level is not None:
            self.levels.append(one.level)

    @property
    def summary(self) -> Summary | None:
        """Of the readings that were added."""
        if not self._summaries:
            return None
        self._summaries = [total(self._summaries)]
        return self._summaries[0]

    @property
    def quality(self) -> Quality:
        """How far its figures can be relied on."""
        if self.has_expired:
            return Quality.EXPIRED
        return Quality.PROVISIONAL if self.is_provisional else Quality.FINAL

    @property
    def increase(self) -> Decimal:
        """What was counted."""
        return EXACT.add(self.measured, self.interpolated)


# --- functions; those of readings have a Summary.


def _of_readings(
    function: Callable[[Summary], Decimal],
) -> Callable[[Accumulator, str | None], Decimal | None]:
    def of_row(row: Accumulator, _: str | None) -> Decimal | None:
        return None if row.summary is None else function(row.summary)

    return of_row


def _standard_deviation(whole: Summary) -> Decimal:
    """Of the population, from exact sums, so that nothing cancels."""
    with localcontext(EXACT):
        radicand = whole.count * whole.sum_of_squares - whole.sum * whole.sum
    return root_quotient(radicand, whole.count)


def _sum(row: Accumulator, _: str | None) -> Decimal:
    return _ZERO if row.summary is None else row.summary.sum


def _count(row: Accumulator, _: str | None) -> Decimal:
    return _ZERO if row.summary is None else Decimal(row.summary.count)


def _cardinality(row: Accumulator, param: str | None) -> Decimal:
    """How many distinct values; null counts as one."""
    return Decimal(len(row.distinct.get(str(param), ())))


def _integral(row: Accumulator, param: str | None) -> Decimal:
    if param == _SECOND:
        return canonical(row.unit_seconds)
    return rounded_quotient(row.unit_seconds, SECONDS_IN[param or _HOUR])


def _time_average(row: Accumulator, _: str | None) -> Decimal | None:
    if not row.observed_seconds:
        return None
    return rounded_quotient(row.unit_seconds, row.observed_seconds)


def _rate(row: Accumulator, _: str | None) -> Decimal | None:
    return rounded_quotient(row.increase, row.seconds) if row.seconds else None


def _usage(row: Accumulator, _: str | None) -> Decimal:
    if row.kind is MeterType.CUMULATIVE:
        return row.increase
    return _integral(row, None) if row.kind is MeterType.GAUGE else _sum(row, None)


@dataclass(frozen=True, slots=True)
class Function:
    """How a figure is made of the portions of a row, of what, and with which parameters."""

    compute: Callable[[Accumulator, str | None], Decimal | None]
    basis: Basis = Basis.READINGS
    params: tuple[str, ...] = ()
    needs_param: bool = False


FUNCTIONS = {
    "max": Function(_of_readings(lambda whole: whole.max)),
    "min": Function(_of_readings(lambda whole: whole.min)),
    "sum": Function(_sum),
    "avg": Function(_of_readings(lambda whole: quotient(whole.sum, whole.count))),
    "count": Function(_count),
    "stddev": Function(_of_readings(_standard_deviation)),
    "cardinality": Function(_cardinality, params=CARDINALITY_FIELDS, needs_param=True),
    "first": Function(_of_readings(lambda whole: whole.first.volume)),
    "latest": Function(_of_readings(lambda whole: whole.last.volume)),
    "increase": Function(lambda row, _: row.increase, Basis.INCREASE),
    "rate": Function(_rate, Basis.INCREASE),
    "integral": Function(_integral, Basis.HOLDING, params=tuple(SECONDS_IN)),
    "timeavg": Function(_time_average, Basis.HOLDING),
    "peak": Function(lambda row, _: peak(row.levels), Basis.LEVELS),
    "usage": Function(_usage, Basis.BY_TYPE),
}
V2_FUNCTIONS = ("max", "min", "sum", "avg", "count", "stddev", "cardinality")
STANDARD = tuple(Aggregate(name) for name in ("min", "max", "avg", "sum", "count"))
USAGE = Aggregate("usage")


def figure(aggregate: Aggregate, row: Accumulator) -> Decimal | None:
    """The figure of a row; None where there is nothing that it could be of."""
    found = FUNCTIONS[aggregate.function].compute(row, aggregate.param)
    return None if found is None else canonical(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """What a quantity is made of, and its unit; None where it is made of something else."""

    unit: str
    measured: Decimal | None
    interpolated: Decimal | None
    resets: int | None
    unit_seconds: Decimal | None
    observed_seconds: Decimal | None
    quality: Quality


def detail(aggregates: Iterable[Aggregate], row: Accumulator, unit: str) -> Detail | None:
    """What the figures that are made of intervals have; the unit is that of the first of them."""
    bases = [(one, one.basis.of_type(row.kind) if row.kind else one.basis) for one in aggregates]
    of_intervals = [
        (one, basis) for one, basis in bases if basis in (Basis.INCREASE, Basis.HOLDING)
    ]
    if not of_intervals:
        return None
    found = {basis for _, basis in of_intervals}
    is_increase, is_holding = Basis.INCREASE in found, Basis.HOLDING in found
    return Detail(
        unit=unit_of(of_intervals[0][0], row.kind, unit),
        measured=canonical(row.measured) if is_increase else None,
        interpolated=canonical(row.interpolated) if is_increase else None,
        resets=row.resets if is_increase else None,
        unit_seconds=canonical(row.unit_seconds) if is_holding else None,
        observed_seconds=canonical(row.observed_seconds) if is_holding else None,
        quality=row.quality,
    )


def unit_of(aggregate: Aggregate, kind: MeterType | None, unit: str) -> str:
    """The unit of a quantity, spelled as FOCUS does: `GB-Hours`."""
    if aggregate.function == "rate":
        return f"{unit}/s"
    if aggregate.function == "integral" or (aggregate == USAGE and kind is MeterType.GAUGE):
        time = f"{aggregate.param or _HOUR}s".capitalize()
        return f"{unit}-{time}" if unit else time
    return unit
