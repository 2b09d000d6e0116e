"""`metering-api` as a process of its own."""

import subprocess
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from e2e.processes import configuration, metering_api, script, serving
from e2e.stores import stored_ids
from e2e.web import count, exchange, get, post, sample
from mongod import ReplicaSet

BODY = b'[{"counter_name": "%s", "counter_type": "gauge", "counter_unit": "u", '
BODY += b'"counter_volume": 1, "resource_id": "r", "message_id": "s"}]'
HEAD = b"POST /v2/meters/%s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
CLOSE = b"Connection: close\r\n"
CHUNKED = CLOSE + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a metering-api listens, which takes bodies of 100,000 bytes."""
    folder = tmp_path_factory.mktemp("metering-api")
    url = f"sqlite:///{folder / 'metering.db'}"
    with serving("metering-api", folder, url, max_body_bytes=100_000) as service:
        yield service.address


def refusal(*arguments: str, **environ: str) -> tuple[int, str]:
    """The exit status of a metering-api that does not start, and what it prints."""
    command = [script("metering-api"), *arguments]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=30, env=environ
    )
    return ended.returncode, ended.stderr


def test_it_starts_without_a_configuration_file(tmp_path: Path, sqlite_url: str) -> None:
    """It prints where it listens, prepares the store, takes samples and gives them back."""
    with metering_api(tmp_path, "--connection", sqlite_url) as service:
        posted = post(service.address, [sample("s-1")])
        meters = get(service.address, "/v2/meters").json
        versions = get(service.address, "/").json

    assert posted.status == 201
    assert [meter["name"] for meter in meters] == ["m"]
    assert versions["versions"]["values"][0]["id"] == "v2"


def test_a_connection_is_kept_for_several_requests(address: str) -> None:
    """Two requests are answered on one connection."""
    statuses = []
    connection = HTTPConnection(address, timeout=10)
    for _ in range(2):
        connection.request("GET", "/")
        used = connection.sock
        with connection.getresponse() as response:
            statuses.append((response.status, response.read()[:1]))
    is_kept = connection.sock is used
    connection.close()

    assert statuses == [(200, b"{")] * 2
    assert is_kept


def test_a_chunked_body_is_read(address: str) -> None:
    """A body in chunks is stored as it would be in one piece."""
    body = BODY % b"chunks"
    chunks = b"".join(b"%x\r\n%s\r\n" % (1, body[i : i + 1]) for i in range(len(body)))
    answer = exchange(address, HEAD % b"chunks" + CHUNKED + chunks + b"0\r\n\r\n")

    assert answer[:12] == b"HTTP/1.1 201"
    assert count(address, "chunks") == 1


def test_a_damaged_chunked_body_is_refused(address: str) -> None:
    """A chunk whose length is no number, after a whole sample, stores nothing."""
    body = BODY % b"damaged"
    damaged = b"%x\r\n%s\r\nzz\r\n" % (len(body), body)
    answer = exchange(address, HEAD % b"damaged" + CHUNKED + damaged)

    assert answer[:12] == b"HTTP/1.1 400"
    assert count(address, "damaged") == 0


def test_a_too_large_body_is_refused_with_the_reason(address: str) -> None:
    """The answer is 413 in the shape of all errors."""
    answer = post(address, [sample("s", resource_metadata={"k": "x" * 110_000})])

    assert answer.status == 413
    assert answer.fault == "the body is larger than 100000 bytes"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"NONSENSE\r\n\r\n", b"400"),
        (HEAD % b"m" + b"Content-Length: 200000\r\n\r\n", b"413"),
        (HEAD % b"m" + b"Transfer-Encoding: gzip\r\n\r\n", b"501"),
    ],
)
def test_what_the_server_refuses_itself_is_plain_text(
    address: str, sent: bytes, status: bytes
) -> None:
    """As docs/api.rst says: the application does not see it."""
    answer = exchange(address, sent)

    assert answer.split()[1] == status
    assert b"Content-Type: text/plain" in answer
    assert b"X-Openstack-Request-Id" not in answer


def test_the_configuration_file_is_named_by_option_or_environment(tmp_path: Path) -> None:
    """--config-file is read, else the file that METERING_CONFIG_FILE names."""
    files = {}
    for name in ("option", "environment"):
        (tmp_path / name).mkdir()
        files[name] = str(configuration(tmp_path / name, f"sqlite:///{tmp_path}/{name}.db"))
    environ = {"METERING_CONFIG_FILE": files["environment"]}
    with metering_api(tmp_path, **environ) as service:
        post(service.address, [sample("by-environment")])
    with metering_api(tmp_path, "--config-file", files["option"], **environ) as service:
        post(service.address, [sample("by-option")])

    assert stored_ids(f"sqlite:///{tmp_path}/environment.db") == ["by-environment"]
    assert stored_ids(f"sqlite:///{tmp_path}/option.db") == ["by-option"]


def test_without_authentication_only_loopback_is_served(sqlite_url: str) -> None:
    """Another address is refused with a sentence that says what to do."""
    status, said = refusal("--host", "192.0.2.1", "--connection", sqlite_url)

    assert status == 1
    assert "metering-api: auth = none on 192.0.2.1 would let everyone read and write" in said


def test_insecure_serves_other_addresses_too(tmp_path: Path, sqlite_url: str) -> None:
    """With insecure = true it listens; this address is nobody's, so that is what fails."""
    file = configuration(tmp_path, sqlite_url, host="192.0.2.1", port=0)

    status, said = refusal("--config-file", str(file))

    assert status == 1
    assert "metering-api: cannot listen on 192.0.2.1 port 0" in said


def test_the_password_of_the_store_is_nowhere_in_the_log(
    tmp_path: Path, replica_set: ReplicaSet
) -> None:
    """Neither when it starts, nor when the store refuses it and the answer is 503."""
    at = replica_set.members[0].address
    url = f"mongodb://metering:s3cret@{at}/metering?authSource=admin"
    with metering_api(tmp_path, "--connection", url) as service:
        status = get(service.address, "/v2/meters").status
        log = service.log

    assert status == 503
    assert "GET /v2/meters 503" in log
    assert "s3cret" not in log
