"""Ways to talk to the service without any client: what was sent and answered, number for number."""

import http.client
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_SECONDS = 30


def ask(
    address: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """The status and the JSON of an answer, its numbers exact; any method may have a body."""
    sent = None if body is None else json.dumps(body).encode()
    return _ask(
        address, method, path, sent, {"Content-Type": "application/json", **(headers or {})}
    )


def _ask(
    address: str, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(address, timeout=_SECONDS)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    return answer.status, json.loads(text, parse_float=Decimal, parse_int=Decimal)


def post_lines(address: str, lines: bytes) -> tuple[int, Any]:
    """The status and the verdicts on lines of JSON."""
    return _ask(address, "POST", "/v2/samples", lines, {"Content-Type": "application/x-ndjson"})


def get(address: str, path: str) -> Any:
    """The JSON of an answer that must be 200."""
    status, answer = ask(address, "GET", path)
    assert 200 == status, answer
    return answer


def record(address: str, samples: list[dict[str, Any]]) -> None:
    """Have samples recorded, every one of them."""
    status, answer = ask(address, "POST", "/v2/samples", samples)
    assert (201, len(samples)) == (status, answer["accepted"]), answer
