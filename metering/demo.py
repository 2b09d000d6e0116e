"""A month of believable usage, the same for the same seed and end: to look at, and to measure with.

Three projects in two regions run instances (some resized, some rebooted, some younger than the
month), keep volumes that grow, and call an API. Everything follows from the seed; the ids too, so
recording the demo twice changes nothing.
"""

import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from metering.decimals import canonical
from metering.metadata import Metadata
from metering.model import MeterType, Sample, Series, Submission, Track

DAYS = 30
LENGTH = timedelta(days=DAYS)
PROJECTS = ("acme", "globex", "initech")
REGIONS = ("eu-central", "us-east")
INSTANCES_PER_SITE = 4
VOLUMES_PER_SITE = 2
SOURCE = "demo"

# Two gauges and two counters an hour for each instance, a gauge for each volume, six deltas a site.
EXPECTED_SAMPLES = DAYS * 24 * 6 * (INSTANCES_PER_SITE * 4 + VOLUMES_PER_SITE + 6)

_HOUR = timedelta(hours=1)
_API_INTERVAL = timedelta(minutes=10)
_DAY_SECONDS = 86_400
_NAMESPACE = uuid.UUID("5d7c2a5e-6f1b-5a43-9c56-0f9f6f0c8f11")


@dataclass(frozen=True, slots=True)
class Flavor:
    """The size of an instance."""

    name: str
    vcpus: int
    memory_mib: int


FLAVORS = (
    Flavor("small", 1, 2_048),
    Flavor("medium", 2, 4_096),
    Flavor("large", 4, 8_192),
    Flavor("xlarge", 8, 16_384),
)


@dataclass(frozen=True, slots=True)
class Site:
    """A project in a region."""

    project: str
    region: str


def usage(seed: int, until: datetime) -> Iterator[Submission]:
    """The month before `until`, resource by resource; some 100,000 samples."""
    end = until.replace(minute=0, second=0, microsecond=0)
    hours = [end - _HOUR * back for back in range(DAYS * 24, 0, -1)]
    for site in (Site(project, region) for project in PROJECTS for region in REGIONS):
        for number in range(INSTANCES_PER_SITE):
            yield from _instance(_Writer(seed, site, f"vm-{number + 1}", until), hours)
        for number in range(VOLUMES_PER_SITE):
            yield from _volume(_Writer(seed, site, f"disk-{number + 1}", until), hours)
        yield from _api_calls(_Writer(seed, site, "api", until), hours)


class _Writer:
    """Makes the samples of one resource; its chances depend on the seed and its name alone."""

    def __init__(self, seed: int, site: Site, name: str, recorded_at: datetime) -> None:
        self.site = site
        self.resource_id = f"{site.project}-{site.region}-{name}"
        self.chance = random.Random(f"{seed}/{self.resource_id}")  # noqa: S311 - no secret
        self._seed = seed
        self._recorded_at = recorded_at

    def series(self, meter: str, type_: MeterType, unit: str, service: str) -> Series:
        """A series of the resource without a description of its own yet."""
        track = Track(
            source=SOURCE,
            meter=meter,
            type=type_,
            unit=unit,
            resource_id=self.resource_id,
            project_id=self.site.project,
            user_id=f"{self.site.project}-ops",
        )
        return Series(track, Metadata.of({"region": self.site.region, "service": service}))

    def described(self, series: Series, **description: object) -> Series:
        """The series with more metadata."""
        return Series(series.track, Metadata.of({**series.metadata.tree, **description}))

    def sample(self, series: Series, timestamp: datetime, volume: Decimal | int) -> Submission:
        """One sample, whose id follows from what and when it is."""
        name = f"{self._seed}/{series.resource_id}/{series.meter}/{timestamp.isoformat()}"
        return Submission(
            Sample(
                series=series,
                id=str(uuid.uuid5(_NAMESPACE, name)),
                timestamp=timestamp,
                volume=canonical(Decimal(volume)),
                recorded_at=self._recorded_at,
            )
        )


def _instance(writer: _Writer, hours: list[datetime]) -> Iterator[Submission]:
    """Size and traffic each hour; perhaps born late, resized once, rebooted now and then."""
    chance = writer.chance
    born = chance.choice((0, 0, 0, chance.randrange(len(hours) // 2)))
    resized = chance.choice((None, chance.randrange(born, len(hours))))
    flavor = chance.choice(FLAVORS[:-1])
    traffic = chance.randrange(200, 2_000) * 1024 * 1024
    gauge, counter = MeterType.GAUGE, MeterType.CUMULATIVE
    sizes = {
        "vcpus": writer.series("vcpus", gauge, "vcpu", "compute"),
        "memory": writer.series("memory", gauge, "MiB", "compute"),
    }
    counters = {
        f"network.{way}.bytes": writer.series(f"network.{way}.bytes", counter, "B", "compute")
        for way in ("incoming", "outgoing")
    }
    read = dict.fromkeys(counters, 0)
    for hour, at in enumerate(hours[born:], born):
        if hour == resized:
            flavor = FLAVORS[FLAVORS.index(flavor) + 1]
        described = {"flavor": flavor.name, "name": writer.resource_id, "os": "debian-12"}
        for name, volume in (("vcpus", flavor.vcpus), ("memory", flavor.memory_mib)):
            yield writer.sample(writer.described(sizes[name], **described), at, volume)
        if chance.random() < 1 / 400:
            read = dict.fromkeys(counters, 0)
        for name, series in counters.items():
            read[name] += int(traffic * _time_of_day(at) * chance.uniform(0.5, 1.5))
            yield writer.sample(writer.described(series, **described), at, read[name])


def _volume(writer: _Writer, hours: list[datetime]) -> Iterator[Submission]:
    """Its size each hour; it grows a few times a month."""
    chance = writer.chance
    size = Decimal(chance.randrange(10, 200))
    described = {"volume_type": chance.choice(("ssd", "hdd")), "name": writer.resource_id}
    series = writer.described(
        writer.series("volume.size", MeterType.GAUGE, "GiB", "storage"), **described
    )
    for at in hours:
        if chance.random() < 1 / 240:
            size += Decimal(chance.randrange(1, 40)) / 2
        yield writer.sample(series, at, size)


def _api_calls(writer: _Writer, hours: list[datetime]) -> Iterator[Submission]:
    """How many calls there were in each ten minutes, more by day than by night."""
    series = writer.series("api.calls", MeterType.DELTA, "call", "api")
    busy = writer.chance.randrange(50, 500)
    for hour in hours:
        for step in range(_HOUR // _API_INTERVAL):
            at = hour + step * _API_INTERVAL
            calls = int(busy * _time_of_day(at) * writer.chance.uniform(0.6, 1.4))
            yield writer.sample(series, at, calls)


def _time_of_day(at: datetime) -> float:
    """Between 0.2 by night and 1 at 15:00 UTC."""
    seconds = (at.hour * 3600 + at.minute * 60 - 15 * 3600) % _DAY_SECONDS
    return 0.6 + 0.4 * math.cos(2 * math.pi * seconds / _DAY_SECONDS)
