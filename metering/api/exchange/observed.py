"""One request and its answer, as the log and the metrics see them.

What is known only inside comes out by way of the WSGI environ, under the keys that stand here: the
router notes the route, whoever knows the caller the project, the hook of errors the fault, and
what counts samples their outcomes.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from metering.api.exchange.request_id import Wsgi

LOG = logging.getLogger(__name__)

ROUTE = "metering.route"
PROJECT = "metering.project_id"
OUTCOMES = "metering.outcomes"
FAULT = "metering.fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that is over; what never became known is None.

    `path` is as WSGI gives it; `route` is the template that it matched; `seconds` end where the
    answer was there, or, if it was made while it was sent, where it ended; `sent_bytes` is the size
    of its body, as far as it was sent; `outcomes` counts what became of the samples that came;
    `fault` is an error's code.
    """

    method: str
    path: str
    status: int | None
    seconds: float
    sent_bytes: int = 0
    route: str | None = None
    project_id: str | None = None
    fault: str | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict)


class Observer(Protocol):
    """Is told of each request, from whichever thread answers it."""

    def began(self) -> None:
        """A request arrived."""

    def ended(self, exchange: Exchange) -> None:
        """A request was answered, or failed without an answer."""


class Observed:
    """WSGI middleware that tells observers of each request."""

    def __init__(self, application: Wsgi, *observers: Observer) -> None:
        """Wrap the application."""
        self._application = application
        self._observers = observers

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer, and tell."""
        status = None

        def start(line: str, *rest: Any) -> Any:
            nonlocal status
            status = int(line.partition(" ")[0])
            return start_response(line, *rest)

        def end(sent_bytes: int) -> None:
            seconds = time.perf_counter() - begin
            exchange = _exchange(environ, status, seconds, sent_bytes)
            for observer in self._observers:
                _tell(observer.ended, exchange)

        begin = time.perf_counter()
        for observer in self._observers:
            _tell(observer.began)
        try:
            answer = self._application(environ, start)
        except BaseException:
            end(0)
            raise
        if not isinstance(answer, list):
            return _Watched(answer, end)
        end(sum(map(len, answer)))
        return answer


class _Watched:
    """A body that is made while it is sent: tells how many bytes there were when it is closed."""

    def __init__(self, parts: Iterable[bytes], end: Callable[[int], None]) -> None:
        self._parts = parts
        self._end = end
        self._sent_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self._parts:
            yield part
            self._sent_bytes += len(part)

    def close(self) -> None:
        """Close the body too; a server does so whatever became of the answer."""
        try:
            close = getattr(self._parts, "close", None)
            if close is not None:
                close()
        finally:
            self._end(self._sent_bytes)


def _tell(tell: Callable[..., None], *what: Exchange) -> None:
    """Tell an observer; if it fails (its files were removed, say), the answer is not lost."""
    try:
        tell(*what)
    except Exception as error:  # noqa: BLE001 - see above
        LOG.error("a request was not counted: %s", error)  # noqa: TRY400 - many may follow


def outcomes_of(environ: dict[str, Any]) -> Counter[str]:
    """Where to count what becomes of the samples of the request."""
    counted: Counter[str] = environ.setdefault(OUTCOMES, Counter())
    return counted


def _exchange(
    environ: dict[str, Any], status: int | None, seconds: float, sent_bytes: int
) -> Exchange:
    return Exchange(
        method=str(environ["REQUEST_METHOD"]),
        path=environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""),
        status=status,
        seconds=seconds,
        sent_bytes=sent_bytes,
        route=environ.get(ROUTE),
        project_id=environ.get(PROJECT),
        fault=environ.get(FAULT),
        outcomes=environ.get(OUTCOMES, {}),
    )
