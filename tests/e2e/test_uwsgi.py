"""The same application under a real uWSGI with our ini file."""

from pathlib import Path

import pytest
from e2e.processes import configuration, manage, serving, uwsgi
from e2e.stores import stored_ids
from e2e.web import count, exchange, get, post, sample

BODY = b'[{"counter_name": "m", "counter_type": "gauge", "counter_unit": "u", '
BODY += b'"counter_volume": 1, "resource_id": "r", "message_id": "s"}]'
CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)
HEAD = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
NO_APPLICATION = 22


def test_it_stores_and_answers(tmp_path: Path, mongodb_url: str) -> None:
    """Samples are stored once and counted; the connection is closed, and says so."""
    with serving("uwsgi", tmp_path, mongodb_url) as service:
        first = post(service.address, [sample("s-1"), sample("s-2")])
        again = post(service.address, [sample("s-1"), sample("s-2")])
        counted = count(service.address)

    assert [first.status, again.status] == [201, 201]
    assert counted == 2
    assert first.headers["Connection"] == "close"


@pytest.mark.parametrize("path", [b"/v2/meters/m", b"/v2/samples", b"/v2/query/samples"])
@pytest.mark.parametrize("length", [b"", b"Content-Length: 3\r\n"])
def test_a_chunked_body_is_refused(
    path: bytes, length: bytes, tmp_path: Path, sqlite_url: str
) -> None:
    """Chunks are not decoded by uWSGI: 411, rather than the answer to an empty body."""
    manage(sqlite_url, "prepare")
    with serving("uwsgi", tmp_path, sqlite_url) as service:
        head = HEAD % path + length + b"Transfer-Encoding: chunked\r\n\r\n"
        answer = exchange(service.address, head + CHUNKS)

    assert answer[:12] == b"HTTP/1.1 411"
    assert b'"faultstring":"Length Required"' in answer
    assert stored_ids(sqlite_url) == []


def test_a_too_large_body_is_refused_with_the_reason(tmp_path: Path, mongodb_url: str) -> None:
    """The answer is 413 in the shape of all errors, as long as limit-post lets it in."""
    with serving("uwsgi", tmp_path, mongodb_url, max_body_bytes=100_000) as service:
        answer = post(service.address, [sample("s", resource_metadata={"k": "x" * 110_000})])

    assert answer.status == 413
    assert answer.fault == "the body is larger than 100000 bytes"


def long_path(characters: int) -> str:
    """A path with a query of about that length, which finds nothing."""
    condition = "q.field=resource_id&q.op=eq&q.value=" + "x" * 200
    return "/v2/meters/m?" + "&".join([condition] * (characters // len(condition)))


def test_a_long_question_is_understood(tmp_path: Path, mongodb_url: str) -> None:
    """A query of 25,000 characters counts, and does not fill the log."""
    with serving("uwsgi", tmp_path, mongodb_url) as service:
        post(service.address, [sample("s")])
        answer = get(service.address, long_path(25_000))
        log = service.log

    assert (answer.status, answer.json) == (200, [])
    assert "GET /v2/meters/m 200 " in log
    assert "q.field" not in log


def test_a_question_that_is_too_long_for_uwsgi_is_refused(tmp_path: Path, mongodb_url: str) -> None:
    """The query that uWSGI drops is missed: 414, rather than all samples."""
    with serving("uwsgi", tmp_path, mongodb_url) as service:
        post(service.address, [sample("s")])
        answers = [get(service.address, long_path(length)) for length in (40_000, 60_000)]

    assert [answer.status for answer in answers] == [414, 414]
    assert answers[0].fault == "Request-URI Too Long"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"insecure": False}, "auth = none would let everyone read and write"),
        ({"max_smaples": 1}, "[api] has no option max_smaples"),
    ],
)
def test_it_ends_with_the_reason_if_it_cannot_serve(
    options: dict[str, object], reason: str, tmp_path: Path, sqlite_url: str
) -> None:
    """No worker is started over and over: uWSGI exits, and the log says what is wrong."""
    file = configuration(tmp_path, sqlite_url, **options)
    with uwsgi(tmp_path, METERING_CONFIG_FILE=str(file)) as service:
        assert service.wait() == NO_APPLICATION
        assert reason in service.log
