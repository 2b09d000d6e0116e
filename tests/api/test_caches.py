"""No cache keeps an answer."""

import pytest
from api.client import CSV, JSON, NDJSON, XML, Client, agent_sample, keep

from metering.storage.base import Storage


@pytest.mark.parametrize("form", [JSON, XML, NDJSON, CSV])
def test_no_cache_keeps_an_answer_in_any_form(client: Client, storage: Storage, form: str) -> None:
    """Under one URL each token, and each form, has an answer of its own."""
    keep(storage, {})

    response = client.get("/v2/samples", headers={"Accept": form})

    assert (200, form) == (response.status_int, response.content_type)
    assert "no-store" == response.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz/ready", 200),
        ("GET", "/v2/samples/none", 404),
        ("PUT", "/v2/samples", 405),
        ("OPTIONS", "/v2/samples", 200),
    ],
)
def test_no_cache_keeps_what_else_there_is(
    client: Client, method: str, path: str, status: int
) -> None:
    """An absent sample may be there the next time."""
    response = client.request(method, path)

    assert (status, "no-store") == (response.status_int, response.headers["Cache-Control"])


def test_no_cache_keeps_a_refusal_of_framing(client: Client) -> None:
    """What arrives in part is no answer to the whole."""
    response = client.get("/v2/meters", environ={"HTTP_TRANSFER_ENCODING": "chunked"})

    assert (411, "no-store") == (response.status_int, response.headers["Cache-Control"])


def test_no_cache_keeps_what_was_recorded(client: Client) -> None:
    """Nor the verdicts on samples."""
    response = client.post("/v2/samples", [agent_sample()])

    assert (201, "no-store") == (response.status_int, response.headers["Cache-Control"])
