"""How long samples are kept: a horizon for each meter, before which its samples have expired.

A sample that has expired may be deleted, so that its key is known no more; if it came again it
would count again. Therefore whatever lies before a horizon is refused, and a horizon never moves
back. Where the server had chosen the timestamp, a retry would come with a new one: such keys are
*spent*, and remembered for ever.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from metering.model import Submission
from metering.times import FIRST, Range

FOR_EVER = 0


@dataclass(frozen=True, slots=True)
class Horizons:
    """By meter the instant before which samples have expired; the first of all where none has."""

    default: datetime = FIRST
    meters: Mapping[str, datetime] = field(default_factory=dict)

    def of(self, meter: str) -> datetime:
        """The horizon of a meter."""
        return self.meters.get(meter, self.default)

    def cut(self, meter: str, range_: Range) -> bool:
        """Whether samples of the meter that were in range may have expired."""
        return (range_.start or FIRST) < self.of(meter)

    def joined(self, other: "Horizons") -> "Horizons":
        """For each meter the later of both."""
        names = self.meters.keys() | other.meters.keys()
        return Horizons(
            max(self.default, other.default),
            {name: max(self.of(name), other.of(name)) for name in names},
        )


@dataclass(frozen=True, slots=True)
class Policy:
    """How many days the samples of a meter are kept; `FOR_EVER` where they never expire."""

    default_days: int = FOR_EVER
    meter_days: Mapping[str, int] = field(default_factory=dict)

    def horizons(self, now: datetime) -> Horizons:
        """The midnights (UTC) so many days before today."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)

        def horizon(days: int) -> datetime:
            return FIRST if days == FOR_EVER else midnight - timedelta(days=days)

        return Horizons(
            horizon(self.default_days),
            {meter: horizon(days) for meter, days in self.meter_days.items()},
        )


@dataclass(frozen=True, slots=True)
class Expiry:
    """What a store refuses: samples before the horizons, and keys that are spent."""

    horizons: Horizons = field(default_factory=Horizons)
    spent: Collection[bytes] = frozenset()

    def covers(self, submission: Submission) -> bool:
        """Whether the submission is, or may be the retry of, a sample that has expired."""
        sample = submission.sample
        if is_completed(submission):
            return sample.key in self.spent
        return sample.timestamp < self.horizons.of(sample.series.meter)


def is_completed(submission: Submission) -> bool:
    """Whether the server chose the timestamp, so that a retry has another."""
    return "timestamp" in submission.completed


def becomes_spent(timestamp: datetime, recorded_at: datetime) -> bool:
    """Whether the key must be remembered when the sample goes: the server chose the timestamp.

    What it chose is the instant of recording. A client's own timestamp that equals it by chance
    costs a key that is remembered in vain.
    """
    return timestamp == recorded_at
