"""What Prometheus is told: requests by route, samples by what became of them, faults of the store.

Labels are route templates, known methods and our own words, so no client can make more of them,
and none names a tenant.

With PROMETHEUS_MULTIPROC_DIR in the environment when Python starts, prometheus_client keeps the
figures in files of that directory, one set a process, and each process answers for all: that is
for uwsgi, and only for one application in a process, whose figures the files are. Without it they
are in memory, and each application has its own.
"""

import os
from pathlib import Path

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from metering.api.exchange.observed import Exchange
from metering.api.operation.outcomes import OUTCOMES
from metering.errors import Misconfigured, QueryTooExpensive, StorageUnavailable

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER, _UNMATCHED, _NONE = "other", "unmatched", "none"
_SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1, 2.5, 5, 10, 30),
)
_FAULTS_OF_THE_STORE = (StorageUnavailable.code, QueryTooExpensive.code, Misconfigured.code)

# Without this, each counter has a second series: when it was created.
prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The figures of one application. All methods may be called from several threads at once."""

    def __init__(self) -> None:
        """Begin at zero.

        Raises:
            Misconfigured: PROMETHEUS_MULTIPROC_DIR names no directory.
        """
        self._folder = _folder()
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "metering_http_requests",
            "Requests answered, by method, route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "metering_http_request_duration_seconds",
            "Seconds until the answer was there, or at its end if in lines, by method and route.",
            ("method", "route"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "metering_http_requests_in_flight",
            "Requests that are being answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._samples = Counter(
            "metering_samples",
            "Samples sent, by what became of them; unknown: the store failed.",
            ("outcome",),
            registry=self._registry,
        )
        self._store_errors = Counter(
            "metering_store_errors",
            "Requests that failed for the store, by the code of the error.",
            ("code",),
            registry=self._registry,
        )
        self._show_zeros()

    def began(self) -> None:
        """Count a request that arrived."""
        self._in_flight.inc()

    def ended(self, exchange: Exchange) -> None:
        """Count a request that is over."""
        self._in_flight.dec()
        method = exchange.method if exchange.method in _METHODS else _OTHER
        route = exchange.route or _UNMATCHED
        self._requests.labels(method, route, exchange.status or _NONE).inc()
        self._seconds.labels(method, route).observe(exchange.seconds)
        for outcome, samples in exchange.outcomes.items():
            self._samples.labels(outcome).inc(samples)
        if exchange.fault in _FAULTS_OF_THE_STORE:
            self._store_errors.labels(exchange.fault).inc()

    def exposition(self) -> bytes:
        """All figures, of all processes, in Prometheus's text format."""
        if self._folder is None:
            return prometheus_client.generate_latest(self._registry)
        _forget_the_dead(self._folder)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, str(self._folder))  # type: ignore[no-untyped-call]
        return prometheus_client.generate_latest(registry)

    def _show_zeros(self) -> None:
        """What has not happened yet is zero rather than absent: a rate needs both."""
        for outcome in OUTCOMES:
            self._samples.labels(outcome)
        for code in _FAULTS_OF_THE_STORE:
            self._store_errors.labels(code)


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    if named is None:
        return None
    if not (named and Path(named).is_dir()):
        raise Misconfigured(f"{VARIABLE} names no directory: '{named}'")
    return Path(named)


def _forget_the_dead(folder: Path) -> None:
    """A worker that was killed answers no request any more; what it had counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            continue  # it lives, as another user
