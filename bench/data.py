"""A month of made-up usage in v2's shape, up to a fixed instant, by size and by density.

Instances of some projects are polled at even intervals, each for the same meters, and every sample
carries the instance's description of some thirty fields, as agents send it. A description changes
twice in the month; in the worst case with every sample.
"""

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Self, TypeVar

DAYS = 30
START = datetime(2025, 1, 1, tzinfo=UTC)
END = START + timedelta(days=DAYS)
METERS = (
    ("vcpus", "gauge", "vcpu"),
    ("memory", "gauge", "MB"),
    ("cpu_util", "gauge", "%"),
    ("cpu", "cumulative", "ns"),
    ("disk.read.bytes", "cumulative", "B"),
    ("network.outgoing.bytes.delta", "delta", "B"),
)
# The first has half of the instances: what is asked of one project is asked of it.
PROJECTS = ("acme", "globex", "acme", "initech")
PROJECT, METER = PROJECTS[0], "cpu"

_REGIONS = ("eu-central", "us-east", "ap-south")
_FEWEST_INSTANCES = 4
# Ceilometer's own interval was ten minutes.
_POLLS_A_DAY = 144
_DESCRIPTIONS = 3

Usage = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """How much usage: so many instances, each polled so many times a day."""

    instances: int
    polls_a_day: int
    churning: bool = False

    @classmethod
    def of(cls, samples: int) -> Self:
        """About that many samples, of few instances rather than with long intervals."""
        an_instance = DAYS * len(METERS)
        instances = max(_FEWEST_INSTANCES, round(samples / an_instance / _POLLS_A_DAY))
        return cls(instances, max(1, round(samples / an_instance / instances)))

    def denser(self, times: int) -> Self:
        """The same instances, polled more often."""
        return replace(self, polls_a_day=self.polls_a_day * times)

    def wider(self, times: int) -> Self:
        """More instances, polled as often."""
        return replace(self, instances=self.instances * times)

    @property
    def samples(self) -> int:
        """How many samples there are."""
        return DAYS * self.polls_a_day * self.instances * len(METERS)


def usage(shape: Shape) -> Iterator[Usage]:
    """The samples in the order of time, the same for the same shape."""
    chance = random.Random(repr(shape))
    counters = [[0] * len(METERS) for _ in range(shape.instances)]
    polls = DAYS * shape.polls_a_day
    for poll in range(polls):
        since = timedelta(days=DAYS) * poll / polls
        for number in range(shape.instances):
            at = START + since + timedelta(milliseconds=number * 7 % 1000)
            described = _described(number, poll * _DESCRIPTIONS // polls)
            for place, meter in enumerate(METERS):
                step = chance.randrange(10_000_000)
                counters[number][place] += step
                volume = _volume(meter, counters[number][place], step, chance)
                metadata = described
                if shape.churning:
                    metadata = {**described, "polled": f"{poll}/{place}"}
                yield _sample(number, meter, volume, at) | {
                    "message_id": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
                    "resource_metadata": metadata,
                }


def chunks(items: Iterator[T], size: int) -> Iterator[list[T]]:
    """The items in lists of that size; the last may be shorter."""
    while chunk := list(islice(items, size)):
        yield chunk


def _sample(number: int, meter: tuple[str, str, str], volume: float, at: datetime) -> Usage:
    name, type_, unit = meter
    project = PROJECTS[number % len(PROJECTS)]
    return {
        "counter_name": name,
        "counter_type": type_,
        "counter_unit": unit,
        "counter_volume": volume,
        "resource_id": str(uuid.UUID(int=number + 1)),
        "project_id": project,
        "user_id": f"{project}-ops",
        "source": "openstack",
        "timestamp": at.replace(tzinfo=None).isoformat(timespec="milliseconds"),
    }


def _volume(meter: tuple[str, str, str], counter: int, step: int, chance: random.Random) -> float:
    name, type_, _ = meter
    if type_ == "gauge":
        level = {"vcpus": 4, "memory": 8192}.get(name)
        return round(chance.uniform(0, 100), 2) if level is None else level
    return step if type_ == "delta" else counter


def _described(number: int, revision: int) -> dict[str, Any]:
    """Much as Nova's notifications and Ceilometer's compute agent describe an instance."""
    project = PROJECTS[number % len(PROJECTS)]
    region = _REGIONS[number % len(_REGIONS)]
    name, image = f"{project}-app-{number:05}", str(uuid.UUID(int=7_000 + number % 5))
    vcpus = 2 << revision
    return {
        "display_name": name,
        "name": f"instance-{number:08x}",
        "host": f"compute-{number % 40:03}.{region}.example.net",
        "instance_host": f"compute-{number % 40:03}",
        "instance_id": str(uuid.UUID(int=number + 1)),
        "instance_type": f"m1.x{vcpus}",
        "flavor": {
            "id": str(uuid.UUID(int=9_000 + vcpus)),
            "name": f"m1.x{vcpus}",
            "vcpus": vcpus,
            "ram": 2048 * vcpus,
            "disk": 20,
            "ephemeral": 0,
            "swap": 0,
        },
        "image": {"id": image, "name": "debian-12-genericcloud", "links": ["bookmark"]},
        "image_ref": image,
        "image_ref_url": f"https://images.{region}.example.net/v2/images/{image}",
        "architecture": "x86_64",
        "os_type": "linux",
        "os_distro": "debian",
        "kernel_id": "",
        "ramdisk_id": "",
        "vcpus": vcpus,
        "memory_mb": 2048 * vcpus,
        "root_gb": 20,
        "ephemeral_gb": 0,
        "disk_gb": 20,
        "status": "active",
        "state": "running",
        "task_state": None,
        "region": region,
        "availability_zone": f"{region}-{number % 3}",
        "cell": "cell1",
        "tenant_name": project,
        "cost_centre": f"cc-{number % 9}",
        "created_at": "2024-12-24T08:15:00Z",
    }
