"""Samples as Ceilometer's agents make them: from pollsters and from notifications."""

from decimal import Decimal
from typing import Any

# Beyond what a float tells apart: 2**53 + 1.
NANOSECONDS = 9_007_199_254_740_993
FLAVOR = {"id": "f-1", "name": "m1.small", "vcpus": 2, "ram": 2048, "ephemeral": 0, "swap": 0}

Sample = dict[str, Any]


def polled(number: int, name: str, volume: Any, **rest: Any) -> Sample:
    """A sample of an instance from the compute pollster; the number tells samples apart."""
    return {
        "name": name,
        "type": "gauge",
        "unit": "MB",
        "volume": volume,
        "user_id": "0b8d6c4f1f0b4b0aa9d3a44f7a1f3a11",
        "project_id": "5d5b4e3c2b1a49988776655443322110",
        "resource_id": f"instance-{number:04}",
        "timestamp": f"2024-06-01T00:{number:02}:07.123456",
        "resource_metadata": instance(number),
        "id": f"5c2e6f1e-1fd0-11ef-8000-{number:012}",
        **rest,
    }


def instance(number: int) -> Sample:
    """What the compute pollster says of an instance: nested, with nulls, lists and odd keys."""
    return {
        "display_name": f"größe-{number}",
        "name": f"instance-{number:08x}",
        "instance_id": f"instance-{number:04}",
        "instance_type": "m1.small",
        "host": "b3a1",
        "instance_host": "compute-1.example.net",
        "flavor": FLAVOR,
        "status": "active",
        "state": "running",
        "task_state": None,
        "image": {"id": "i-1", "links": [{"rel": "bookmark", "href": "http://glance/i-1"}]},
        "image_ref": "i-1",
        "image_ref_url": None,
        "architecture": "x86_64",
        "OS-EXT-AZ:availability_zone": "nova",
        "kernel_id": None,
        "ramdisk_id": None,
        "vcpus": 2,
        "memory_mb": 2048,
        "disk_gb": 20,
        "root_gb": 20.5,
        "active": True,
        "user_metadata": {"server_group": "web", "prop.with.dots": "x", "$price": "1"},
        "$where": {"$gt": ""},
        "devices": ["vda", "vdb"],
        "nothing": {},
        "bytes": 2**63 + 1,
    }


def notified(number: int) -> Sample:
    """A sample from a notification: its time has an offset, its payload is the metadata."""
    return {
        "name": "image.size",
        "type": "gauge",
        "unit": "B",
        "volume": 1_476_395_008 + number,
        "user_id": None,
        "project_id": None,
        "resource_id": f"image-{number}",
        "message": {
            "payload": {"id": f"image-{number}", "properties": {"os.type": "linux", "tags": []}},
            "event_type": "image.update",
            "publisher_id": "image.host-1",
            "metadata": {"timestamp": f"2024-06-01 01:{number:02}:00.654321"},
        },
    }


def batch() -> list[Sample]:
    """Fifty samples: the most that an agent puts into one message."""
    cpu = {"type": "cumulative", "unit": "ns"}
    return [
        *(polled(n, "cpu", NANOSECONDS + n, **cpu) for n in range(20)),
        *(polled(n, "memory.usage", 0.1 + n, id=f"memory-{n}") for n in range(10)),
        *(polled(n, "disk.usage", f"{n}.25", id=f"disk-{n}", user_id=None) for n in range(10)),
        *(notified(n) for n in range(10)),
    ]


SUMS = {
    "cpu": Decimal(20 * NANOSECONDS + sum(range(20))),
    "memory.usage": sum((Decimal(str(0.1 + n)) for n in range(10)), Decimal(0)),
    "disk.usage": Decimal("47.5"),
    "image.size": Decimal(10 * 1_476_395_008 + sum(range(10))),
}
