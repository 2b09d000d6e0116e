"""What pymongo raises, as errors of ours; the original is the cause.

No message of pymongo is passed on: it may name hosts, and parts of a URL with a password.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo.errors import ExecutionTimeout, OperationFailure, PyMongoError

from metering.errors import QueryTooExpensive, StorageUnavailable

_DUPLICATE_KEY = 11000


@contextmanager
def of_question(limit_seconds: float) -> Iterator[None]:
    """Translate what a question raises; MongoDB says so when it ran into the time limit."""
    try:
        yield
    except ExecutionTimeout as error:
        raise QueryTooExpensive(limit_seconds) from error
    except PyMongoError as error:
        raise unavailable(error) from error


@contextmanager
def of_order() -> Iterator[None]:
    """Translate what anything else raises: whatever it is, done or not done is unknown."""
    try:
        yield
    except PyMongoError as error:
        raise unavailable(error) from error


def unavailable(error: PyMongoError) -> StorageUnavailable:
    """The error with the kind of fault, which tells an operator enough."""
    kind = type(error).__name__
    if isinstance(error, OperationFailure) and error.details:
        kind = str(error.details.get("codeName", f"{kind} {error.code}"))
    return StorageUnavailable(f"MongoDB did not answer or did not confirm ({kind})")


def taken_keys(details: Mapping[str, Any], documents: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """The keys that an insert found taken.

    Raises:
        StorageUnavailable: something else went wrong, too.
    """
    require_taken(details)
    return [documents[error["index"]]["_id"] for error in details["writeErrors"]]


def require_taken(details: Mapping[str, Any]) -> None:
    """Return if taken keys are all that went wrong with a bulk of writes.

    Raises:
        StorageUnavailable: a write concern failed, whatever else is reported: a "duplicate" that
            is not on a majority can be rolled back. Or a write failed for another reason.
    """
    errors = details["writeErrors"]
    if details["writeConcernErrors"] or any(error["code"] != _DUPLICATE_KEY for error in errors):
        raise StorageUnavailable("MongoDB did not confirm a write on a majority of its members")
