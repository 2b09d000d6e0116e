"""What a controller declares, what it is given, and what it answers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from metering.api.forms.csv import Columns
from metering.api.scope import Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as a controller sees it.

    `url` is that of the request without its query, `parameters` what was asked, in the names and
    the order of a query string, however it came.
    `form` is the media type of the answer.
    `outcomes` is where it counts what became of samples, for the log and the metrics.
    """

    caller: Caller
    application_url: str
    url: str
    parameters: tuple[tuple[str, str], ...]
    form: str
    idempotency_key: str | None
    content_type: str
    body: bytes
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with more than its value: another status, the URL of the next page, headers.

    `columns` are what CSV needs to know of the rows before the first.
    """

    value: Any
    status: int | None = None
    next_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    columns: Columns = field(default_factory=Columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body that the controller reads: its type by media type, and the headers that it heeds.

    What `is_kept` is recorded whether or not anybody waits for the answer.
    """

    types: Mapping[str, Any]
    headers: tuple[str, ...] = ()
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What a controller declares: the type of its answer, its parameters and its body.

    The first status is the usual one; those that any endpoint may answer are not listed. Without
    a `definition` nothing of the request is read, not even who sent it.
    """

    returns: Any
    forms: tuple[str, ...]
    statuses: tuple[int, ...] = (200,)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Body | None = None
    definition: Any = None

    @property
    def records(self) -> bool:
        """Whether it keeps what is sent; else it is a question."""
        return self.body is not None and self.body.is_kept
