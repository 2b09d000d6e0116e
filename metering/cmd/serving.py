"""Waitress with a graceful stop: its own gives up on answers after five seconds, or half sent."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import waitress
from waitress import wasyncore
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.server import BaseWSGIServer
from waitress.task import WSGITask

from metering.api.exchange.client import IS_GONE, has_hung_up
from metering.api.exchange.request_id import Wsgi
from metering.config import ApiConfig
from metering.errors import Abandoned, Misconfigured

LOG = logging.getLogger(__name__)

STOP_SECONDS = 30

_TICK_SECONDS = 0.2


class _Task(WSGITask):  # type: ignore[misc] # waitress has no types
    """A request; an answer that breaks off because nobody reads it is no fault to waitress."""

    def execute(self) -> None:
        """Answer it."""
        try:
            super().execute()
        except Abandoned:
            raise ClientDisconnected from None


class _Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    """A connection that notices when its client closes it, while a request is answered.

    By `channel_request_lookahead` waitress would read on meanwhile, and so notice it. But then it
    also drops what such a client has sent, samples included, if no thread has begun with it.
    """

    task_class = _Task

    def check_client_disconnected(self) -> bool:
        """What waitress puts into the environ."""
        return not self.connected or has_hung_up(self.socket.fileno())


class Server:
    """Listens, and heeds SIGTERM and SIGINT, from the moment that it is made; serves when run."""

    def __init__(self, application: Wsgi, api: ApiConfig, stopping: threading.Event) -> None:
        """Listen; `stopping` is set before anything else when it stops, for others to heed.

        Raises:
            Misconfigured: the address cannot be listened on.
        """
        # What waitress listens to or talks over, by file descriptor; it adds and removes.
        self._dispatchers: dict[int, Any] = {}
        self._is_stopping = False
        self._stopping = stopping
        try:
            self._server = waitress.create_server(
                _with_a_look_at_clients(application),
                map=self._dispatchers,
                host=api.host,
                port=api.port,
                threads=api.threads,
                ident=None,
                # Below twice the limit the service itself answers, with its reason.
                max_request_body_size=2 * api.max_body_bytes,
                clear_untrusted_proxy_headers=True,
            )
        except (OSError, ValueError) as error:
            message = f"cannot listen on {api.host} port {api.port}: {error}"
            raise Misconfigured(message, field="[api] host") from error
        for one in self._listening():
            one.channel_class = _Channel
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """The hosts and ports it listens on; `localhost` may be two."""
        return [(one.effective_host, int(one.effective_port)) for one in self._listening()]

    def run(self) -> None:
        """Serve until a signal comes, then answer what was begun; a second signal kills."""
        while not self._is_stopping:
            wasyncore.loop(_TICK_SECONDS, map=self._dispatchers, count=1)
        self._stopping.set()
        LOG.info("stopping")
        for one in self._listening():
            # Not its own close(): that ends what wakes this loop when an answer is ready, too.
            wasyncore.dispatcher.close(one)
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_busy():
            if time.monotonic() > deadline:
                LOG.warning("requests that took longer than %d s are cut off", STOP_SECONDS)
                break
            wasyncore.loop(_TICK_SECONDS, map=self._dispatchers, count=1)
        self._server.task_dispatcher.shutdown(timeout=1)
        LOG.info("stopped")

    def _stop(self, number: int, _: FrameType | None) -> None:
        self._is_stopping = True
        signal.signal(number, signal.SIG_DFL)

    def _listening(self) -> list[Any]:
        return [one for one in self._dispatchers.values() if isinstance(one, BaseWSGIServer)]

    def _is_busy(self) -> bool:
        """Whether a request is being received or answered, or an answer being sent."""
        channels = [one for one in self._dispatchers.values() if isinstance(one, HTTPChannel)]
        return any(one.request or one.requests or one.total_outbufs_len for one in channels)


def _with_a_look_at_clients(application: Wsgi) -> Wsgi:
    """The application, told in our words how to ask whether a client has gone."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[IS_GONE] = environ["waitress.client_disconnected"]
        return application(environ, start_response)

    return answer
