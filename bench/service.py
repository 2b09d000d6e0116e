"""Our side: the service under uwsgi with the ini file that is shipped, and its driver alone."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from e2e.processes import configuration, uwsgi

from bench import processes
from bench.data import END, Usage
from metering import times
from metering.metadata import Metadata
from metering.model import MeterType, Sample, Series, Submission, Track
from metering.storage import open_storage
from metering.storage.base import Storage

BATCH = 500
PATIENCE_SECONDS = 600
NDJSON = "application/x-ndjson"

_CREATED, _OK = 201, 200
_PIECE = 1 << 16
_LONGEST_LOG = 5_000


class Service:
    """A running service."""

    def __init__(self, address: str, pid: int) -> None:
        """Take where it listens, and the process id of uwsgi's master."""
        self._address = address
        self._pid = pid

    def get(self, path: str) -> bytes:
        """The body of the answer, which must be 200."""
        with self._asked("GET", path) as (response, _):
            body: bytes = response.read()
        if response.status != _OK:
            raise RuntimeError(f"{response.status} to {path}: {body[:500]!r}")
        return body

    def stream(self, path: str) -> int:
        """How many lines come as NDJSON, read and dropped."""
        lines = 0
        with self._asked("GET", path, accept=NDJSON) as (response, media):
            if response.status != _OK or not media.startswith(NDJSON):
                raise RuntimeError(f"{response.status} {media} to {path}")
            while piece := response.read(_PIECE):
                lines += piece.count(b"\n")
        return lines

    def poster(self, bodies: Sequence[bytes]) -> Callable[[], None]:
        """What posts the bodies, one after the other, each in a connection of its own."""

        def post() -> None:
            for body in bodies:
                with self._asked("POST", "/v2/samples", body=body) as (response, _):
                    answer = response.read()
                if response.status != _CREATED:
                    raise RuntimeError(f"{response.status}: {answer[:500]!r}")

        return post

    def spent(self) -> float:
        """Seconds of processors that all workers have spent."""
        return sum(map(processes.processor_seconds, processes.children(self._pid)))

    def most_memory(self) -> int:
        """The most bytes that any worker had resident since the last `forget_memory`."""
        return max(map(processes.most_memory, processes.children(self._pid)))

    def forget_memory(self) -> None:
        """Begin to look anew for the most memory."""
        for worker in processes.children(self._pid):
            processes.forget_memory(worker)

    @contextmanager
    def _asked(
        self, method: str, path: str, *, body: bytes | None = None, accept: str = "application/json"
    ) -> Iterator[tuple]:
        connection = HTTPConnection(self._address, timeout=PATIENCE_SECONDS)
        try:
            headers = {"Accept": accept, "Content-Type": "application/json"}
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            yield response, response.getheader("Content-Type", "")
        finally:
            connection.close()


@contextmanager
def serving(url: str, workers: int) -> Iterator[Service]:
    """The service on a store that is prepared, with so many workers."""
    with TemporaryDirectory(prefix="metering-bench-") as name:
        folder = Path(name)
        file = configuration(folder, url, query_timeout=PATIENCE_SECONDS)
        with uwsgi(folder, "--processes", str(workers), METERING_CONFIG_FILE=str(file)) as one:
            try:
                service = Service(one.address, one.process.pid)
                service.get("/healthz/ready")
                yield service
            except BaseException:
                print(one.log[-_LONGEST_LOG:])
                raise


@contextmanager
def driver(url: str) -> Iterator[Storage]:
    """The driver alone, in this process."""
    storage = open_storage(url, timeout_seconds=PATIENCE_SECONDS)
    try:
        yield storage
    finally:
        storage.close()


def prepare(url: str) -> None:
    """Create what the store lacks."""
    with driver(url) as storage:
        storage.prepare()


def seal(url: str, until: times.datetime = END) -> None:
    """Seal what is stored up to an instant: nobody writes, so there is nobody to wait for."""
    with driver(url) as storage:
        for _ in storage.seal(until):
            pass


def unseal(url: str) -> None:
    """Forget all that was sealed."""
    with driver(url) as storage:
        storage.unseal()


def recorder(url: str, batches: Sequence[Sequence[Usage]]) -> Callable[[], None]:
    """What records the batches by the driver alone: no HTTP, no JSON, nothing to check."""
    storage = open_storage(url, timeout_seconds=PATIENCE_SECONDS)
    now = times.now()
    ready = [[_submission(one, now) for one in batch] for batch in batches]

    def record() -> None:
        for submissions in ready:
            storage.record(submissions, atomic=False)

    return record


def body(batch: Sequence[Usage]) -> bytes:
    """A batch as it is posted."""
    return msgspec.json.encode(batch)


def _submission(one: Usage, now: times.datetime) -> Submission:
    """Each with a series of its own, as it is when samples come in by HTTP."""
    track = Track(
        source=one["source"],
        meter=one["counter_name"],
        type=MeterType(one["counter_type"]),
        unit=one["counter_unit"],
        resource_id=one["resource_id"],
        project_id=one["project_id"],
        user_id=one["user_id"],
    )
    series = Series(track, Metadata.read(msgspec.json.encode(one["resource_metadata"])))
    return Submission(
        Sample(
            series=series,
            id=str(uuid.UUID(one["message_id"])),
            timestamp=times.read(one["timestamp"]),
            volume=Decimal(str(one["counter_volume"])),
            recorded_at=now,
        )
    )
