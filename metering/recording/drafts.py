"""What a client sent, and how: samples as yet unchecked, and the manner of a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Protocol

import msgspec

from metering.metadata import Metadata


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A sample as a client sent it, unchecked; None where it was not sent.

    A struct, since a frozen dataclass takes several times as long to make, and every sample needs
    one. `names` has the client's name of a field where it is not ours.
    """

    meter: str | None
    type: str | None
    unit: str | None
    volume: Decimal | int | str | None
    resource_id: str | None
    project_id: str | None = None
    user_id: str | None = None
    source: str | None = None
    id: str | None = None
    timestamp: str | None = None
    recorded_at: str | None = None
    metadata: Metadata | None = None
    names: Mapping[str, str] = MappingProxyType({})

    def name(self, field_name: str) -> str:
        """The client's name of the field."""
        return self.names.get(field_name, field_name)


class Author(Protocol):
    """Who writes."""

    @property
    def project_id(self) -> str | None:
        """The project of the caller."""

    @property
    def user_id(self) -> str | None:
        """The user who calls."""

    @property
    def is_admin(self) -> bool:
        """Whether the caller may write for any project and source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a request writes.

    `meter` is the only meter that may be written, if one was named. `prefix_source` puts the
    project before the source, for administrators too, as v2 did on a meter's path.
    `idempotency_key` makes the ids that were not sent, the same for each retry.
    `keeps_recorded_at` is for samples that were recorded elsewhere before.
    """

    author: Author
    meter: str | None = None
    prefix_source: bool = False
    idempotency_key: str | None = None
    keeps_recorded_at: bool = False
