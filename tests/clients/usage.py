"""A little usage whose every figure is easy to see: what the reading tests ask about."""

from typing import Any

DAY = "2024-06-01"


def sample(id_: str, meter: str, volume: float, resource: str, **rest: Any) -> dict[str, Any]:
    """A sample in v2's shape, of project acme and user alice unless told otherwise."""
    return {
        "message_id": id_,
        "counter_name": meter,
        "counter_type": "gauge",
        "counter_unit": "GB",
        "counter_volume": volume,
        "resource_id": resource,
        "project_id": "acme",
        "user_id": "alice",
        "source": "test",
        "timestamp": f"{DAY}T12:00:00",
        "resource_metadata": {},
        **rest,
    }


def cpu(id_: str, volume: float, resource: str, timestamp: str, **rest: Any) -> dict[str, Any]:
    """A sample of the meter cpu."""
    kind = {"counter_type": "cumulative", "counter_unit": "ns", "timestamp": timestamp}
    return sample(id_, "cpu", volume, resource, **kind, **rest)


SMALL = {"flavor": {"name": "small"}, "vcpus": 2, "zone": "east"}
LARGE = {"flavor": {"name": "large"}, "vcpus": 8, "zone": "west"}
_BOB = {"project_id": "globex", "user_id": "bob", "resource_metadata": LARGE}

USAGE = [
    cpu("c1", 1, "vm-1", f"{DAY}T00:00:00", resource_metadata=SMALL),
    cpu("c2", 2.5, "vm-1", f"{DAY}T00:50:00", resource_metadata=SMALL),
    cpu("c3", 4, "vm-2", f"{DAY}T00:30:00", **_BOB),
    cpu("c4", 10, "vm-2", f"{DAY}T01:10:00.250000", **_BOB),
    sample("d1", "disk.size", 0.1, "a disk"),
    sample("d2", "disk.size", 0.2, "größe-盘"),
    sample("d3", "disk.size", 40, "net/eth0"),
    sample("d4", "disk.size", 50, "x"),
    sample("d5", "disk.size", 60, "50%+1"),
]
