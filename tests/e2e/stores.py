"""What a store holds, seen past the service: by a driver of its own."""

from metering.model import AllProjects
from metering.query import SampleQuery
from metering.storage import open_storage


def stored_ids(url: str) -> list[str]:
    """The id of every sample in the store, in order of the alphabet."""
    storage = open_storage(url, timeout_seconds=30)
    try:
        return sorted(one.id for one in storage.samples(SampleQuery(scope=AllProjects())))
    finally:
        storage.close()
