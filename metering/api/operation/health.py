"""Whether the service can answer: for load balancers, which stop asking while it cannot."""

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from metering.errors import StorageUnavailable
from metering.storage.base import Storage

LOG = logging.getLogger(__name__)

STOPPING = "stopping"

_FRESH_SECONDS = 1.0
_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at the store: since when, and in the end what is wrong, if anything."""

    since: float = field(default_factory=time.monotonic)
    found: Future[str | None] = field(default_factory=Future)

    @property
    def age(self) -> float:
        return time.monotonic() - self.since


class Readiness:
    """Knows whether the store answers, from a look that is no older than a second.

    Only one thread looks at a time, however many ask. They wait for it up to a second. If it takes
    longer, or hangs, the store counts as unavailable; the next look begins when it is over.
    """

    def __init__(self, storage: Storage, stopping: threading.Event) -> None:
        """Take the store, and what is set as soon as the service is about to end."""
        self._storage = storage
        self._stopping = stopping
        self._lock = threading.Lock()
        self._look: _Look | None = None
        self._logged: str | None = None

    def reason(self) -> str | None:
        """Why requests would fail, as a word; None if nothing is known to be wrong."""
        if self._stopping.is_set():
            return STOPPING
        look = self._current()
        try:
            return look.found.result(timeout=max(0.0, _PATIENCE_SECONDS - look.age))
        except TimeoutError:
            return StorageUnavailable.code

    def _current(self) -> _Look:
        with self._lock:
            look = self._look
            if look is None or (look.found.done() and look.age > _FRESH_SECONDS):
                look = _Look()
                threading.Thread(target=self._find, args=[look], daemon=True).start()
                self._look = look
            return look

    def _find(self, look: _Look) -> None:
        error: Exception | None = None
        try:
            self._storage.ping()
        except Exception as raised:  # noqa: BLE001 - whatever it is, the store cannot be used
            error = raised
        code = getattr(error, "code", StorageUnavailable.code) if error else None
        self._log_change(code, error)
        look.found.set_result(code)

    def _log_change(self, code: str | None, error: Exception | None) -> None:
        """The log has the words, which are not for everybody; once, however often one asks."""
        if code == self._logged:
            return
        self._logged = code
        if error is None:
            LOG.info("the store answers")
        else:
            LOG.warning("the store cannot be used: %s", error, exc_info=error.__cause__)
