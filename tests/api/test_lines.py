"""Rows as NDJSON or CSV: those of JSON, all of them, and never a part for the whole."""

import csv
import io
import json
import logging
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from api.client import CSV, NDJSON, Client, assert_fault, keep
from api.conftest import Serve
from builders import after_noon
from webob import Request

from metering.api.app import make_app
from metering.api.exchange.observed import Exchange
from metering.config import load
from metering.errors import QueryTooExpensive, StorageUnavailable
from metering.model import Sample
from metering.query import SampleQuery
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage

ACCEPT = {"Accept": NDJSON}
FORMS = pytest.mark.parametrize("form", [NDJSON, CSV])
QUERY = "/v2/query/samples"
PATHS = ["/v2/samples", "/v2/meters/cpu", QUERY]
MANY = 600


def ask(client: Client, path: str, headers: dict[str, str] = ACCEPT, **asked: Any) -> Any:
    """The answer to a list with these parameters, in a query string or a body."""
    if path == QUERY:
        return client.request("POST", path, json.dumps(asked), headers=headers)
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return client.get(f"{path}?{query}", headers=headers)


def lines(response: Any) -> list[Any]:
    """The rows of an answer that must succeed."""
    assert (200, NDJSON) == (response.status_int, response.content_type), response.text
    assert response.text.endswith("\n") or not response.text
    return [json.loads(line) for line in response.text.splitlines()]


def rows(response: Any) -> list[Any]:
    """The rows of an answer that must succeed, in either form."""
    if response.content_type == NDJSON:
        return lines(response)
    assert (200, CSV) == (response.status_int, response.content_type), response.text
    return [*csv.DictReader(io.StringIO(response.text, newline=""), strict=True)]


class Breaking(MemoryStorage):
    """A store that fails after some samples."""

    def __init__(self, after: int, error: Exception) -> None:
        super().__init__()
        self._after = after
        self._error = error

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """Give some, then fail."""
        yield from islice(super().samples(query), self._after)
        raise self._error


class Watched(MemoryStorage):
    """A store that knows how many samples were taken, and whether the answer was closed."""

    taken = 0
    is_closed = False

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """Count."""
        try:
            for one in super().samples(query):
                self.taken += 1
                yield one
        finally:
            self.is_closed = True


def many(storage: Storage) -> None:
    """Record samples that make several parts."""
    keep(
        storage, *({"timestamp": after_noon(n), "metadata": {"a": "x" * 500}} for n in range(MANY))
    )


def bare(storage: Storage, accept: str = NDJSON) -> Any:
    """The answer as a server gets it: status, headers and a body that is not read yet."""
    request = Request.blank("/v2/samples", headers={"Accept": accept})
    request.environ["REMOTE_ADDR"] = "127.0.0.1"
    return request.call_application(make_app(load(), storage))


@pytest.mark.parametrize("path", PATHS)
def test_lines_are_the_rows_of_json(client: Client, storage: Storage, path: str) -> None:
    """One object a line, of the same fields and in the same order."""
    keep(storage, {"metadata": {"a": {"b": "ü\n"}}}, {"volume": "0.10"}, {"user_id": None})

    expected = ask(client, path, headers={}).json

    assert expected == lines(ask(client, path))
    assert 3 == len(expected)


@FORMS
@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_no_row(client: Client, path: str, form: str) -> None:
    """No samples: 200, and no line but a header."""
    assert [] == rows(ask(client, path, {"Accept": form}))


@FORMS
@pytest.mark.parametrize("path", PATHS)
def test_all_of_them_come_unless_there_is_a_limit(
    serve: Serve, storage: Storage, path: str, form: str
) -> None:
    """Neither the usual limit counts nor the largest of a page; the client's does."""
    many(storage)
    client = serve(default_limit=2, max_limit=5)
    accept = {"Accept": form}

    assert MANY == len(rows(ask(client, path, accept)))
    assert 7 == len(rows(ask(client, path, accept, limit=7)))
    for far in (MANY + 1, 2**63):
        assert MANY == len(rows(ask(client, path, accept, limit=far)))
    assert_fault(ask(client, path, accept, limit=0), 400, "Limit must be positive")


@pytest.mark.parametrize("path", PATHS[:2])
def test_a_marker_goes_on_after_a_page(client: Client, storage: Storage, path: str) -> None:
    """The link of a page leads to all the rest."""
    keep(storage, *({"timestamp": after_noon(n)} for n in range(9)))
    everything = ask(client, path, headers={}).json
    page = ask(client, path, headers={}, limit=4)
    marker = urlsplit(page.headers["Link"].partition(">")[0]).query.partition("marker=")[2]

    assert everything[4:] == lines(ask(client, path, marker=marker))
    assert everything[4:6] == lines(ask(client, path, marker=marker, limit=2))
    assert_fault(ask(client, path, marker="x"), 400, "marker")


@FORMS
def test_a_chosen_order_needs_a_limit(serve: Serve, storage: Storage, form: str) -> None:
    """To sort takes all rows into memory, so it has the limit of a page, and says so."""
    keep(storage, *({"volume": n} for n in range(9)))
    client = serve(max_limit=5)
    order = '[{"volume": "desc"}]'
    accept = {"Accept": form}

    found = rows(ask(client, QUERY, accept, orderby=order, limit=3))
    assert ["8.0", "7.0", "6.0"] == [str(row["volume"]) for row in found]
    for limit in ({}, {"limit": 6}):
        refused = ask(client, QUERY, accept, orderby=order, **limit)
        assert_fault(refused, 400, "orderby needs a limit, at most 5")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (NDJSON, NDJSON),
        (f"{NDJSON}, application/json;q=0.5", NDJSON),
        (f"{NDJSON};q=0.5, application/json", "application/json"),
        ("*/*", "application/json"),
        (CSV, CSV),
        (f"{CSV};q=0.9, application/json;q=0.5", CSV),
        (f"{CSV};q=0.5, {NDJSON}", NDJSON),
        ("text/*", "text/xml"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
    ],
)
def test_the_client_chooses(client: Client, accept: str, form: str) -> None:
    """By Accept; without a wish it is JSON."""
    assert form == ask(client, "/v2/samples", headers={"Accept": accept}).content_type


def test_other_lists_have_no_lines(client: Client) -> None:
    """What is neither samples nor statistics is 406, or the next best form."""
    assert 406 == client.get("/v2/meters", headers=ACCEPT).status_int
    assert 406 == client.get("/v2/samples/x", headers={"Accept": CSV}).status_int


@FORMS
def test_a_member_gets_the_own_samples_only(member: Client, storage: Storage, form: str) -> None:
    """The scope holds for lines too; refusals have their status."""
    keep(storage, {"project_id": "p-2"}, {"project_id": "p-1"})
    accept = {"Accept": form}

    assert ["p-1"] == [row["project_id"] for row in rows(ask(member, "/v2/samples", accept))]
    foreign = "/v2/samples?q.field=project_id&q.value=p-2"
    assert_fault(member.get(foreign, headers=accept), 401)


@FORMS
@pytest.mark.parametrize("after", [0, 3])
@pytest.mark.parametrize("error", [StorageUnavailable("away"), QueryTooExpensive(1)])
def test_what_fails_early_has_its_status(
    serve: Serve, after: int, error: Exception, form: str
) -> None:
    """Before the first part is full, nothing was answered yet."""
    store = Breaking(after, error)
    keep(store, {}, {}, {})

    assert_fault(ask(serve(store), "/v2/samples", {"Accept": form}), 503, str(error))


def test_what_fails_late_is_no_whole_answer(caplog: pytest.LogCaptureFixture) -> None:
    """The last line is cut and says why; the server and the log are told."""
    store = Breaking(MANY - 1, StorageUnavailable("away"))
    many(store)
    status, _, body = bare(store)
    received: list[bytes] = []

    with caplog.at_level(logging.INFO), pytest.raises(StorageUnavailable):
        received.extend(body)
    with caplog.at_level(logging.INFO):
        body.close()

    *whole, broken = b"".join(received).split(b"\n")
    assert "200 OK" == status
    assert 100 < len([json.loads(line) for line in whole]) < MANY
    assert b'{"error_message":{"faultcode":"Server","faultstring":"away"' in broken
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)
    said = [record.getMessage() for record in caplog.records]
    assert "an answer of status 200 breaks off" in said
    assert "StorageUnavailable: away" in said
    fields = vars(caplog.records[-1])["fields"]
    assert ("storage_unavailable", 200) == (fields["fault"], fields["status"])


def test_what_fails_late_is_no_whole_table() -> None:
    """The last line is a cell without an end, which says why; the server is told."""
    store = Breaking(MANY - 1, StorageUnavailable('away, "far"'))
    many(store)
    _, _, body = bare(store, CSV)
    received: list[bytes] = []

    with pytest.raises(StorageUnavailable):
        received.extend(body)
    body.close()

    text = b"".join(received).decode()
    *whole, broken = text.split("\r\n")
    assert 100 < len([*csv.reader(whole, strict=True)]) < MANY
    assert broken.replace('""', "'").startswith('"{')
    assert broken.count('"') % 2
    assert "faultstring" in broken
    assert "away" in broken
    with pytest.raises(csv.Error, match="unexpected end of data"):
        list(csv.reader(io.StringIO(text, newline=""), strict=True))


@FORMS
def test_rows_leave_as_they_are_read(form: str) -> None:
    """The first part comes when it is full, and no other is made before it is asked for."""
    store = Watched()
    many(store)
    _, _, body = bare(store, form)
    parts = iter(body)
    first = store.taken
    next(parts)

    assert first == store.taken
    next(parts)
    assert first < store.taken < MANY
    body.close()


@FORMS
def test_who_goes_away_frees_the_store(form: str) -> None:
    """What the server closes closes the samples, begun or not."""
    for count in (0, 1, 2):
        store = Watched()
        many(store)
        _, _, body = bare(store, form)
        parts = iter(body)
        assert count == len(list(islice(parts, count)))
        assert not store.is_closed
        body.close()

        assert store.is_closed


def test_a_page_closes_the_store_too() -> None:
    """Before it is sent."""
    store = Watched()
    many(store)
    bare(store, "application/json")

    assert store.is_closed


def test_the_log_has_the_whole(
    client: Client, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    """One line in the end, with all bytes, under the id of the answer."""
    many(storage)
    with caplog.at_level(logging.INFO):
        response = ask(client, "/v2/samples")

    said = [vars(one)["fields"] for one in caplog.records if hasattr(one, "fields")]
    assert [len(response.body)] == [fields["bytes"] for fields in said]
    assert "X-Openstack-Request-Id" in response.headers


def test_it_is_in_flight_until_its_end(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures count it when it is closed."""
    many(storage)
    ended: list[Exchange] = []
    monkeypatch.setattr(
        "metering.api.operation.metrics.Metrics.ended", lambda _, exchange: ended.append(exchange)
    )
    _, _, body = bare(storage)
    size = sum(map(len, body))

    assert [] == ended
    body.close()
    assert [size] == [one.sent_bytes for one in ended]


class Slow(MemoryStorage):
    """A store that takes its time for each sample."""

    def samples(self, query: SampleQuery) -> Iterator[Sample]:
        """Dawdle."""
        for one in super().samples(query):
            time.sleep(0.02)
            yield one


def test_a_page_has_a_time_limit_as_a_whole(serve: Serve) -> None:
    """However steadily its rows come; lines go on as long as there are some."""
    store = Slow()
    keep(store, *({} for _ in range(10)))
    hasty = serve(store, query_timeout=0.1)

    assert_fault(hasty.get("/v2/samples"), 503, "took longer")
    assert_fault(hasty.post(QUERY, {"orderby": '[{"volume": "asc"}]'}), 503, "took longer")
    assert 10 == len(lines(ask(hasty, "/v2/samples")))


def test_other_origins_may_read_it(storage: Storage, tmp_path: Path) -> None:
    """The headers of CORS are there, and the body is not read for them."""
    many(storage)
    file = tmp_path / "metering.conf"
    file.write_text("[cors]\nallowed_origin = https://page.example\n", encoding="utf-8")
    client = Client(make_app(load(str(file)), storage))

    response = ask(client, "/v2/samples", headers=ACCEPT | {"Origin": "https://page.example"})

    assert "https://page.example" == response.headers["Access-Control-Allow-Origin"]
    assert MANY == len(lines(response))


@FORMS
def test_head_is_refused_as_for_other_lists(client: Client, form: str) -> None:
    """As it always was."""
    assert 405 == client.request("HEAD", "/v2/samples", headers={"Accept": form}).status_int


@FORMS
def test_statistics_have_both_forms(serve: Serve, storage: Storage, form: str) -> None:
    """A row a line; the most rows of an answer are refused as in JSON, and headers come along."""
    keep(storage, {}, {"resource_id": "vm-2", "volume": 3})
    path = "/v2/meters/cpu/statistics?groupby=resource_id&aggregate.func=sum&explain=1"
    accept = {"Accept": form}
    response = serve().get(path, headers=accept)

    assert ["1.0", "3.0"] == [str(row["sum"]) for row in rows(response)]
    assert "tracks=2" in response.headers["Metering-Effort"]
    assert_fault(serve(max_statistics=1).get(path, headers=accept), 400, "more than 1 rows")


def test_json_is_ascii_and_lines_are_not(serve: Serve, storage: Storage) -> None:
    """Whatever has a charset is in UTF-8; an array or an object of JSON needs none, as in v2."""
    keep(storage, {"id": "s-\u0416", "unit": "\u20ac", "metadata": {"\u00e4": "\U0001f600"}})
    client = serve()

    answer = client.get("/v2/samples")
    assert answer.body.startswith(
        rb'[{"id":"s-\u0416","meter":"cpu","type":"gauge","unit":"\u20ac",'
    )
    assert answer.body.endswith(rb',"metadata":{"\u00e4":"\ud83d\ude00"}}]')
    for path in ("/v2/meters/cpu", "/v2/meters", "/v2/resources"):
        assert client.get(path).body.isascii()
    refused = client.get("/v2/samples?q.field=%E2%82%AC&q.value=1").body
    assert rb"Unknown argument: \"\u20ac\"" in refused
    for form in (NDJSON, CSV):
        text = client.get("/v2/samples", headers={"Accept": form}).body.decode()
        assert all(one in text for one in ("s-\u0416", "\u20ac", "\u00e4", "\U0001f600"))
