"""Pages of other origins: what they may ask, and what they can read of an answer."""

from pathlib import Path
from typing import Any

import pytest
from api.client import Client, keep

from metering.api.app import make_app
from metering.config import load
from metering.storage.base import Storage

PAGE = "https://page.example"
ORIGIN = {"Origin": PAGE}


@pytest.fixture
def client(storage: Storage, tmp_path: Path) -> Client:
    """A caller of an application that knows the page."""
    file = tmp_path / "metering.conf"
    file.write_text(f"[cors]\nallowed_origin = {PAGE}\n", encoding="utf-8")
    keep(storage, {})
    return Client(make_app(load(str(file)), storage), ORIGIN)


def readable(response: Any) -> set[str]:
    """The headers that the page can read, beside those that every page can."""
    return set(response.headers["Access-Control-Expose-Headers"].split(","))


@pytest.mark.parametrize(
    ("environ", "status"),
    [
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 411),
        ({"uwsgi.version": "2"}, 414),
        ({"HTTP_HOST": "a b"}, 400),
    ],
)
def test_what_arrives_in_part_is_refused_readably(
    client: Client, environ: dict[str, str], status: int
) -> None:
    """A page that asks for too much at once learns so, instead of nothing."""
    response = client.get("/v2/usage", environ=environ)

    assert (status, PAGE) == (response.status_int, response.headers["Access-Control-Allow-Origin"])


def test_headers_of_answers_can_be_read(client: Client) -> None:
    """The link to the next page, the effort that was asked for, the id of the request."""
    response = client.get("/v2/usage?explain=1")

    assert readable(response) == {"Link", "Metering-Effort", "X-Openstack-Request-Id"}
    assert "Metering-Effort" in response.headers
