"""What an operator sees of real servers: health, figures of all workers, and the log."""

import json
import os
import re
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from e2e.processes import (
    INI,
    Service,
    configuration,
    metering_api,
    script,
    serving,
    until,
    uwsgi,
)
from e2e.web import TIMEOUT_SECONDS, get, post, sample
from mongod import ReplicaSet

SECONDS_OF_HEALTH = 3
SECONDS_TO_RECOVER = 20
READY, LIVE = "/healthz/ready", "/healthz/live"
SECRETS = ("pa55w0rd", "t0ken", "b4sic", "1dem")
HEADERS = {
    "X-Auth-Token": "t0ken",
    "Authorization": "Basic b4sic",
    "Idempotency-Key": "1dem",
    "Content-Type": "application/json",
}


def figure(text: str, name: str) -> float:
    """The figure with that name and these labels, 0 if there is none."""
    found = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


def scraped(service: Service, name: str) -> float:
    """One figure of the service."""
    return figure(get(service.address, "/metrics").body.decode(), name)


def health(service: Service, path: str) -> tuple[int, bytes]:
    """Status and body of an answer that came in time."""
    begin = time.monotonic()
    answer = get(service.address, path)
    assert time.monotonic() - begin < SECONDS_OF_HEALTH
    return answer.status, answer.body


def in_json(file: Path) -> str:
    """The configuration file, with a log for programs."""
    file.write_text(file.read_text(encoding="utf-8") + "[log]\nformat = json\n", encoding="utf-8")
    return str(file)


def events(service: Service) -> list[dict[str, Any]]:
    """What the service itself logged as JSON."""
    return [json.loads(line) for line in service.log.splitlines() if line.startswith("{")]


def answered_by(service: Service, path: str) -> dict[int, int]:
    """How many requests for the path each process answered."""
    processes = [one["process"] for one in events(service) if one.get("path") == path]
    return {process: processes.count(process) for process in set(processes)}


def until_both_are_there(service: Service) -> None:
    """Return as soon as both workers of uWSGI have loaded the application."""
    until(lambda: service.log.count("WSGI app 0") == 2, "both workers are there")


def ask_until_both_answered(service: Service, path: str) -> None:
    """Ask for the path, several at once, until two workers have answered some of it."""
    until_both_are_there(service)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            list(pool.map(lambda _: get(service.address, path), range(16)))
            if len(answered_by(service, path)) == 2:
                return
    pytest.fail("one worker answers everything")


def test_any_worker_tells_the_figures_of_all(tmp_path: Path, mongodb_url: str) -> None:
    """Also those of a worker that was killed, which answers no request any more."""
    name = 'metering_http_requests_total{method="GET",route="/v2/capabilities",status="200"}'
    file = in_json(configuration(tmp_path, mongodb_url))
    with uwsgi(tmp_path, METERING_CONFIG_FILE=file) as service:
        post(service.address, [sample("a"), sample("b")])
        ask_until_both_answered(service, "/v2/capabilities")
        by_process = answered_by(service, "/v2/capabilities")
        asked = sum(by_process.values())
        told = {scraped(service, name) for _ in range(10)}
        os.kill(min(by_process), signal.SIGKILL)
        until(lambda: "Respawned uWSGI worker" in service.log, "the worker is replaced")
        told |= {scraped(service, name) for _ in range(10)}
        accepted = scraped(service, 'metering_samples_total{outcome="accepted"}')
        in_flight = scraped(service, "metering_http_requests_in_flight")

    assert {float(asked)} == told
    assert (2.0, 1.0) == (accepted, in_flight)


def test_a_restart_begins_at_zero(tmp_path: Path, sqlite_url: str) -> None:
    """Also where both starts were given the same directory."""
    name = 'metering_http_requests_total{method="GET",route="/",status="200"}'
    file, folder = str(configuration(tmp_path, sqlite_url)), tmp_path / "metrics"
    environ = {"METERING_CONFIG_FILE": file, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    told = []
    for _ in range(2):
        with uwsgi(tmp_path, **environ) as service:
            get(service.address, "/")
            told.append(scraped(service, name))
            # Before they are, uWSGI waits for its workers as long as it waits for requests.
            until_both_are_there(service)
            service.signal(signal.SIGTERM)
            assert service.wait() == 0

    assert [1.0, 1.0] == told
    assert folder.is_dir()


def test_the_directory_of_figures_is_gone_in_the_end(tmp_path: Path, sqlite_url: str) -> None:
    """Without one in the environment uWSGI makes its own, which nobody else may read."""
    file = str(configuration(tmp_path, sqlite_url))
    command = [script("uwsgi"), "--ini", str(INI), "--processes", "2"]
    environ = {"METERING_CONFIG_FILE": file, "METERING_HTTP": "127.0.0.1:0"}
    service = Service("uwsgi", command, tmp_path, **environ)
    try:
        until_both_are_there(service)
        pid = re.findall(r"worker 1 \(pid: (\d+)", service.log)[0]
        maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8")
        (folder,) = set(re.findall(r"/\S+/metering-metrics-\d+", maps))
        mode = stat.S_IMODE(Path(folder).stat().st_mode)
        service.signal(signal.SIGTERM)
        status = service.wait()
    finally:
        service.kill()

    assert (0o700, 0, False) == (mode, status, Path(folder).exists())


def test_health_while_mongodb_is_away_frozen_and_back(tmp_path: Path) -> None:
    """Live throughout; ready only while the store answers; in time, however many ask."""
    with ReplicaSet() as servers:
        mongod, url = servers.members[0], servers.url()
        mongod.kill()
        environ = {"METERING_CONFIG_FILE": str(configuration(tmp_path, url))}
        with metering_api(tmp_path, **environ) as small, uwsgi(tmp_path, **environ) as large:
            both = [small, large]
            get(small.address, LIVE)
            until_both_are_there(large)
            told = asked_by_many(both)
            mongod.restart()
            for one in both:
                until(lambda one=one: health(one, READY)[0] == 200, "ready", SECONDS_TO_RECOVER)
            mongod.freeze()
            time.sleep(1.1)  # an answer may be a second old
            told |= asked_by_many(both)
            mongod.resume()
            for one in both:
                until(lambda one=one: health(one, READY)[0] == 200, "ready", SECONDS_TO_RECOVER)

    shape = b'{"error_message":{"faultcode":"Server","faultstring":"%s","debuginfo":null}}'
    assert {(200, b'{"status":"live"}'), (503, shape % b"storage_unavailable")} == told


def asked_by_many(services: list[Service]) -> set[tuple[int, bytes]]:
    """What all say to many that ask at once, more than there are threads to answer."""
    asks = [(one, path) for one in services for path in [READY, LIVE] * 20]
    with ThreadPoolExecutor(len(asks)) as pool:
        return set(pool.map(lambda ask: health(*ask), asks))


def test_a_store_that_nobody_prepared_is_not_ready(tmp_path: Path, sqlite_url: str) -> None:
    """The reason says what to do."""
    with serving("uwsgi", tmp_path, sqlite_url) as service:
        answer = get(service.address, READY)

    assert (503, "not_prepared") == (answer.status, answer.fault)


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_secret_is_in_the_log(form: str, tmp_path: Path, replica_set: ReplicaSet) -> None:
    """The password of a store that refuses it, and what clients send that nobody may see."""
    url = replica_set.url().replace("//", "//me:pa55w0rd@")
    file = configuration(tmp_path, url)
    path = in_json(file) if form == "json" else str(file)
    asks = [
        ("GET", "/v2/meters?q.field=resource_id&q.value=t0ken", None),
        ("POST", "/v2/samples", json.dumps([sample("a")])),
        ("POST", "/v2/samples", "{"),
        ("PUT", "/v2/samples", None),
        ("GET", READY, None),
    ]
    with uwsgi(tmp_path, METERING_CONFIG_FILE=path) as service:
        statuses = [status_of(service, *ask) for ask in asks]
        log = service.log

    assert [503, 503, 400, 405, 503] == statuses
    assert "OperationFailure" in log
    assert [] == [secret for secret in SECRETS if secret in log]


def status_of(service: Service, method: str, path: str, body: str | None) -> int:
    """The status of the answer to a request that carries secrets."""
    connection = HTTPConnection(service.address, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, body, HEADERS)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_program_can_read_the_log(tmp_path: Path, sqlite_url: str) -> None:
    """Each line of metering-api is an object; that of a request has what the answer was about."""
    file = configuration(tmp_path, sqlite_url, auth="headers")
    headers = HEADERS | {"X-Project-Id": "p", "X-Roles": "member"}
    with metering_api(tmp_path, METERING_CONFIG_FILE=in_json(file)) as service:
        connection = HTTPConnection(service.address, timeout=TIMEOUT_SECONDS)
        connection.request("POST", "/v2/meters/m", json.dumps([sample("a"), sample("b")]), headers)
        response = connection.getresponse()
        connection.close()
        until(lambda: "/v2/meters/m" in service.log, "the line is written")
        (line,) = [one for one in events(service) if "route" in one]
        others = [one for one in service.log.splitlines() if not one.startswith("{")]

    assert (201, response.headers["X-Openstack-Request-Id"]) == (
        response.status,
        line.pop("request_id"),
    )
    assert line.pop("duration_ms") > 0
    assert line.pop("bytes") == int(response.headers["Content-Length"])
    assert {
        "level": "INFO",
        "method": "POST",
        "path": "/v2/meters/m",
        "project": "p",
        "route": "/v2/meters/{meter...}",
        "samples": 2,
        "status": 201,
    } == {key: line[key] for key in line.keys() - {"time", "logger", "process", "message"}}
    assert [] == [one for one in others if not one.startswith("metering-api: http://")]
