"""Who asks the question that this thread answers: whether they still wait."""

from collections.abc import Callable
from contextvars import ContextVar

from metering.errors import Abandoned

IsGone = Callable[[], bool]


def never_gone() -> bool:
    """Of who waits whatever happens: a command, or a sender of samples."""
    return False


_is_gone: ContextVar[IsGone] = ContextVar("asker_is_gone", default=never_gone)


def begin(found_gone: IsGone) -> None:
    """What this thread does from now on is for an asker of whom that tells.

    It must be cheap, and may be asked until the next one begins; who is gone stays gone.
    """
    _is_gone.set(found_gone)


def is_gone() -> bool:
    """Whether nobody waits for the answer any more: a system call, for clients of HTTP."""
    return _is_gone.get()()


def require() -> None:
    """Return if somebody waits for the answer.

    Raises:
        Abandoned: nobody does.
    """
    if is_gone():
        raise Abandoned
