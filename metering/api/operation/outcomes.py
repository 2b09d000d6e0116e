"""What became of the samples of a POST, counted for the log and the metrics."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from metering.errors import Conflict, InvalidRequest, MeteringError
from metering.model import Outcome, Verdict

ACCEPTED, DUPLICATE, CONFLICT, REJECTED = "accepted", "duplicate", "conflict", "rejected"
UNKNOWN = "unknown"
OUTCOMES = (ACCEPTED, DUPLICATE, CONFLICT, REJECTED, UNKNOWN)

_NAMES = {
    Outcome.STORED: ACCEPTED,
    Outcome.DUPLICATE: DUPLICATE,
    Outcome.CONFLICT: CONFLICT,
    Outcome.EXPIRED: REJECTED,
}


def count(outcomes: Counter[str], judged: Iterable[Verdict | MeteringError]) -> None:
    """Count each sample by its verdict; an error is that of a sample which was rejected."""
    outcomes.update(_NAMES[one.outcome] if isinstance(one, Verdict) else REJECTED for one in judged)


@contextmanager
def counting_failure(outcomes: Counter[str], sent: int) -> Iterator[None]:
    """Where the block fails, count all that was sent as what it failed for.

    So a POST that is all or nothing counts as conflict or rejected as a whole. After a fault of
    the store nobody knows what it kept.
    """
    try:
        yield
    except Conflict:
        outcomes[CONFLICT] += sent
        raise
    except InvalidRequest:
        outcomes[REJECTED] += sent
        raise
    except Exception:
        outcomes[UNKNOWN] += sent
        raise
