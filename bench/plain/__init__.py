"""The rival: the plain design, one document or row for each sample, driven without a service.

It is given the indexes that serve its questions, and drops what ours has to do besides: it parses
and checks nothing, keeps volumes as doubles, and answers with bare figures.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

from bench.data import Usage
from bench.plain.reckoning import Quantities


class Size(NamedTuple):
    """Bytes of a store, indexes included; as they are on disk, and before they are compressed."""

    on_disk: int
    uncompressed: int


class Plain(Protocol):
    """Plain samples in a database. Questions answer about the whole month."""

    def prepare(self) -> None:
        """Create the indexes that every row of the table is to be served by, and pays for."""

    def writer(self, batches: Sequence[Sequence[Usage]]) -> Callable[[], None]:
        """What inserts the batches durably, converted now and over a connection of its own."""

    def indexed(self, *fields: str) -> AbstractContextManager[None]:
        """An index that is there for one question only: neither its space nor its upkeep counts."""

    def month_of_project(self) -> object:
        """Count, sum, least, most, average and ends of one meter of one project."""

    def usage_of_project(self) -> Quantities:
        """What one project used of each meter: readings by a cursor, and Python; see `OF_USAGE`."""

    def month_by_resource(self) -> object:
        """The same of one meter for each resource of all projects; see `OF_RESOURCES`."""

    def month_by_size(self) -> object:
        """The same for each type of instance, which is in the metadata; see `OF_SIZES`."""

    def resources(self, limit: int) -> list:
        """The resources with the newest samples, with their ends and their description."""

    def grouped_resources(self, limit: int) -> list:
        """The same without the description, by reading a key of an index for each sample."""

    def meters(self, limit: int) -> list:
        """The meters of resources, with type and unit, in order; see `OF_METERS`."""

    def newest(self, limit: int) -> bytes:
        """The newest samples of all as JSON."""

    def size(self) -> "Size":
        """The bytes that are stored."""


OF_RESOURCES = ("counter_name", "resource_id", "timestamp", "counter_volume")
OF_SIZES = ("counter_name", "resource_metadata.instance_type", "timestamp", "counter_volume")
OF_METERS = ("resource_id", "counter_name", "counter_type", "counter_unit")
# Streams one after the other, each in the order of time, and all that is needed of them.
OF_USAGE = (
    "project_id",
    "counter_name",
    "counter_type",
    "counter_unit",
    "resource_id",
    "timestamp",
    "counter_volume",
)
OF_STATISTICS = ("project_id", "counter_name", "timestamp", "counter_volume")
OF_RESOURCE = ("resource_id", "timestamp")
OF_TIME = ("timestamp",)

INDEXES = (OF_STATISTICS, OF_RESOURCE, OF_TIME)
