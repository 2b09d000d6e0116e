"""The nouns: tracks, series, samples, meters, resources, verdicts, and who may see which.

Frozen objects that pass between layers. One that exists is valid: whoever makes one from foreign
input has checked it (`metering.recording`, the drivers' mappings). What every sample that is
recorded needs is a struct, since a frozen dataclass takes several times as long to make.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

import msgspec

from metering.metadata import Metadata


class MeterType(StrEnum):
    """How the volumes of a meter are to be read."""

    GAUGE = "gauge"
    DELTA = "delta"
    CUMULATIVE = "cumulative"


class Stream(NamedTuple):
    """What goes on being measured when its owner or metadata change; it has one or more tracks."""

    source: str
    meter: str
    type: MeterType
    unit: str
    resource_id: str


class Rollup(NamedTuple):
    """All tracks of a meter in one project, taken together: their readings are added up."""

    meter: str
    type: MeterType
    unit: str
    project_id: str | None

    @property
    def digest(self) -> bytes:
        """128 bits that identify the rollup; no track has the same."""
        return _digest_of(self.meter, self.type, self.unit, _optional(self.project_id))


@dataclass(frozen=True, kw_only=True)
class Track:
    """A stream while one user of one project has it, whatever its metadata are."""

    source: str
    meter: str
    type: MeterType
    unit: str
    resource_id: str
    project_id: str | None
    user_id: str | None

    @cached_property
    def digest(self) -> bytes:
        """128 bits that identify the track, the same in every process and driver."""
        return _digest_of(
            self.source,
            self.meter,
            self.type,
            self.unit,
            self.resource_id,
            _optional(self.project_id),
            _optional(self.user_id),
        )

    @property
    def track(self) -> "Track":
        """Itself: a series has a track too, so that either can be asked for it."""
        return self

    @property
    def stream(self) -> Stream:
        """The stream that the track belongs to."""
        return Stream(self.source, self.meter, self.type, self.unit, self.resource_id)

    @property
    def rollup(self) -> Rollup:
        """The rollup that the track is added up in."""
        return Rollup(self.meter, self.type, self.unit, self.project_id)


class Series(msgspec.Struct, frozen=True):
    """A track under one description: what samples share that differ only in id, time and volume."""

    track: Track
    metadata: Metadata

    @property
    def source(self) -> str:
        """The track's source."""
        return self.track.source

    @property
    def meter(self) -> str:
        """The track's meter."""
        return self.track.meter

    @property
    def type(self) -> MeterType:
        """The meter's type."""
        return self.track.type

    @property
    def unit(self) -> str:
        """The meter's unit."""
        return self.track.unit

    @property
    def resource_id(self) -> str:
        """The track's resource."""
        return self.track.resource_id

    @property
    def project_id(self) -> str | None:
        """The track's project."""
        return self.track.project_id

    @property
    def user_id(self) -> str | None:
        """The track's user."""
        return self.track.user_id

    @property
    def stream(self) -> Stream:
        """The track's stream."""
        return self.track.stream

    @property
    def digest(self) -> bytes:
        """256 bits that identify the series; those of a track follow each other."""
        return self.track.digest + self.metadata.digest


# What an answer is about: a series if the query looks at metadata, else a track.
Subject = Series | Track


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One reading. Its key is (source, id), for ever; it never changes."""

    series: Series
    id: str
    timestamp: datetime
    volume: Decimal
    recorded_at: datetime

    @property
    def key(self) -> bytes:
        """128 bits that identify (source, id); with the timestamp they order samples.

        Computed each time: for one or two uses that is no dearer than remembering it.
        """
        return sample_key(self.series.source, self.id)


class Place(NamedTuple):
    """Where to look for samples: of this series or track, at this instant."""

    subject: Subject
    at: datetime


def sample_key(source: str, sample_id: str) -> bytes:
    """The key of the sample with that source and id."""
    return _digest(f"{len(source)}:{source}{len(sample_id)}:{sample_id}")


def _optional(text: str | None) -> str:
    return "-" if text is None else f"+{text}"


def _digest_of(*parts: str) -> bytes:
    return _digest("".join([f"{len(part)}:{part}" for part in parts]))


def _digest(framed: str) -> bytes:
    """Of parts with their lengths: so none can be forged by moving characters to the next part."""
    return hashlib.blake2b(framed.encode(), digest_size=16).digest()


class Submission(msgspec.Struct, frozen=True):
    """A sample to be recorded, and which of its fields the server filled in.

    A retry is filled in anew, so what was filled in takes no part in deciding whether it is the
    same sample. The names are those of Sample and Series.
    """

    sample: Sample
    completed: frozenset[str] = frozenset()

    def repeats(self, kept: Sample) -> bool:
        """Whether the kept sample has every value that was sent here.

        Volumes compare by value, timestamps as instants; recorded_at never counts.
        """
        mine, theirs = self.sample, kept
        sent = {
            "timestamp": mine.timestamp == theirs.timestamp,
            "volume": mine.volume == theirs.volume,
            "meter": mine.series.meter == theirs.series.meter,
            "type": mine.series.type == theirs.series.type,
            "unit": mine.series.unit == theirs.series.unit,
            "resource_id": mine.series.resource_id == theirs.series.resource_id,
            "project_id": mine.series.project_id == theirs.series.project_id,
            "user_id": mine.series.user_id == theirs.series.user_id,
            "metadata": mine.series.metadata == theirs.series.metadata,
        }
        return all(agrees for name, agrees in sent.items() if name not in self.completed)


class Outcome(StrEnum):
    """What became of a submission."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    EXPIRED = "expired"


class Verdict(msgspec.Struct, frozen=True):
    """The outcome, and the sample that is kept under the key: the new one or the older.

    What has EXPIRED is not kept; the sample is the submitted one.
    """

    outcome: Outcome
    kept: Sample


@dataclass(frozen=True, slots=True)
class Project:
    """The scope of a caller who may see one project's samples only."""

    id: str


@dataclass(frozen=True, slots=True)
class AllProjects:
    """The scope of a caller who may see everything."""


Scope = Project | AllProjects


def is_visible(subject: Subject | Rollup, scope: Scope) -> bool:
    """Whether a caller of that scope may see the samples of the series, track or rollup."""
    return isinstance(scope, AllProjects) or subject.project_id == scope.id


class Extent(msgspec.Struct, frozen=True):
    """A series or track, and the timestamps of its first and last sample, both inclusive."""

    subject: Subject
    first_sample_at: datetime
    last_sample_at: datetime


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """A meter of a resource; owner and source are those of the resource's newest sample."""

    name: str
    type: MeterType
    unit: str
    resource_id: str
    source: str
    project_id: str | None
    user_id: str | None


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """A resource as its newest sample describes it, and between which samples it was seen.

    `meters` has the name of each of its meters, once for each type and unit.
    """

    id: str
    source: str
    project_id: str | None
    user_id: str | None
    metadata: Metadata
    first_sample_at: datetime
    last_sample_at: datetime
    meters: tuple[str, ...]
