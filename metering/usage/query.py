"""What statistics are asked for, and what a store has to tell for it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from metering.cuts import Cuts
from metering.model import MeterType, Rollup, Scope
from metering.query import EVERYTHING, Field, Filter, asks_metadata, fields_of
from metering.retention import Horizons
from metering.times import EVER, Range, Windows
from metering.usage import quantities
from metering.usage.figures import Aggregate, Basis
from metering.usage.quantities import Rules

_COUNTED = frozenset({Basis.INCREASE})
_HELD = frozenset({Basis.HOLDING, Basis.LEVELS})


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsQuery:
    """Which figures are asked for, of what, and by which windows and groups.

    `now`, `max_gap` and `first_counts` are as in `Rules`. The filter may ask of single samples only
    if all figures are made of readings. Samples before the horizons have expired.
    """

    scope: Scope
    windows: Windows
    aggregates: tuple[Aggregate, ...]
    now: datetime
    filter: Filter = EVERYTHING
    range: Range = EVER
    group_by: tuple[Field, ...] = ()
    max_gap: timedelta | None = None
    first_counts: bool = False
    horizons: Horizons = field(default_factory=Horizons)

    @property
    def bases(self) -> frozenset[Basis]:
        """What the figures are made of."""
        return frozenset(one.basis for one in self.aggregates)

    @property
    def is_of_readings(self) -> bool:
        """Whether nothing is asked of what happens between readings."""
        return self.bases <= {Basis.READINGS}

    @property
    def by_series(self) -> bool:
        """Whether something is asked that tells the series of a track apart."""
        return asks_metadata(self.filter, self.group_by)

    @property
    def is_of_rollups(self) -> bool:
        """Whether nothing is asked that tells the tracks of a rollup apart."""
        asked = {field.name for field in (*fields_of(self.filter), *self.group_by)}
        counted = {one.param for one in self.aggregates if one.function == "cardinality"}
        return asked | counted <= set(Rollup._fields)

    @property
    def rules(self) -> Rules:
        """How portions are made."""
        return Rules(
            windows=self.windows,
            range=self.range,
            now=self.now,
            max_gap=self.max_gap,
            first_counts=self.first_counts,
        )

    @property
    def cuts(self) -> Cuts:
        """Where readings have to be told apart."""
        held = [kind for kind in MeterType if self._bases_of(kind) & _HELD]
        return Cuts(
            windows=self.windows,
            at=self.now if held else None,
            max_gaps={} if self.max_gap is None else dict.fromkeys(held, self.max_gap),
            constant=Basis.LEVELS in self.bases,
        )

    @property
    def types_before(self) -> frozenset[MeterType]:
        """The meter types whose figures need the last reading before the range."""
        return self._types_of(_HELD | _COUNTED)

    @property
    def types_after(self) -> frozenset[MeterType]:
        """The meter types whose figures need the first reading after the range.

        Without a `max_gap`, the last reading holds until the end of a range that is over, whatever
        follows. Before it is over, what follows says that nothing else will come in between; and
        with a `max_gap`, that the stream goes on after a gap.
        """
        end = self.range.end
        is_held_to_end = end is not None and end < self.now and self.max_gap is None
        return self._types_of(_COUNTED if is_held_to_end else _HELD | _COUNTED)

    def _types_of(self, bases: frozenset[Basis]) -> frozenset[MeterType]:
        return frozenset(kind for kind in MeterType if self._bases_of(kind) & bases)

    def _bases_of(self, kind: MeterType) -> frozenset[Basis]:
        return frozenset(basis.of_type(kind) for basis in self.bases)

    def creditings(self, kind: MeterType) -> Iterator[quantities.Crediting]:
        """What is to be made of the stretches of meters of a type."""
        wanted = self._bases_of(kind)
        yield quantities.readings
        if Basis.INCREASE in wanted:
            yield quantities.increase
        if wanted & _HELD:
            yield quantities.holding
            yield quantities.gaps
