"""A client that hides nothing: one connection for each request, the answer as it came."""

import json
import socket
from dataclasses import dataclass
from decimal import Decimal
from http.client import HTTPConnection
from typing import Any

JSON = {"Content-Type": "application/json"}
TIMEOUT_SECONDS = 40


@dataclass(frozen=True)
class Answer:
    """An answer: its status, headers, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read; numbers with a fraction as decimals."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def fault(self) -> str:
        """The text of an error in the one shape that errors have."""
        assert list(self.json) == ["error_message"], self.body
        error = self.json["error_message"]
        assert set(error) == {"faultcode", "faultstring", "debuginfo"}
        text: str = error["faultstring"]
        return text


def get(address: str, path: str) -> Answer:
    """Ask for a path."""
    return _ask(address, "GET", path, None)


def post(address: str, samples: list[dict[str, Any]], meter: str = "m") -> Answer:
    """Post samples of one meter, all or nothing."""
    return _ask(address, "POST", f"/v2/meters/{meter}", json.dumps(samples).encode())


def post_any(address: str, samples: list[dict[str, Any]]) -> Answer:
    """Post samples of any meters, with a verdict on each."""
    return _ask(address, "POST", "/v2/samples", json.dumps(samples).encode())


def post_bytes(address: str, body: bytes) -> Answer:
    """Post a body as it is."""
    return _ask(address, "POST", "/v2/meters/m", body)


def count(address: str, meter: str = "m") -> int:
    """How many samples a meter has."""
    rows = get(address, f"/v2/meters/{meter}/statistics").json
    return sum(int(row["count"]) for row in rows)


def sample(name: str, **changes: Any) -> dict[str, Any]:
    """A sample in v2's words, with that id."""
    fields = {
        "counter_name": "m",
        "counter_type": "delta",
        "counter_unit": "call",
        "counter_volume": 1,
        "resource_id": "r",
        "project_id": "p",
        "user_id": "u",
        "timestamp": "2026-10-01T00:00:00",
        "message_id": name,
        "resource_metadata": {},
    }
    return fields | changes


def connect(address: str, *, receive_bytes: int | None = None) -> socket.socket:
    """A bare connection; the size of the buffer for what is received may be given."""
    host, port = address.rsplit(":", 1)
    bare = socket.socket()
    bare.settimeout(TIMEOUT_SECONDS)
    if receive_bytes:
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    bare.connect((host, int(port)))
    return bare


def exchange(address: str, request: bytes) -> bytes:
    """What comes back for these bytes until the server closes."""
    with connect(address) as bare:
        bare.sendall(request)
        return read_all(bare)


def read_all(bare: socket.socket) -> bytes:
    """Everything until the server closes."""
    received = b""
    while piece := bare.recv(65536):
        received += piece
    return received


def _ask(address: str, method: str, path: str, body: bytes | None) -> Answer:
    connection = HTTPConnection(address, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, JSON if body is not None else {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()
