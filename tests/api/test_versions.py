"""GET /: the version document."""

import pytest
from api.client import Client, assert_fault


def test_version_two_is_announced(client: Client) -> None:
    """The document names v2 as stable and says where it is."""
    (version,) = client.rows("/")["versions"]["values"]

    assert ("v2", "stable", "http://localhost/v2") == (
        version["id"],
        version["status"],
        version["links"][0]["href"],
    )


def test_advertised_forms_are_json_and_xml(client: Client) -> None:
    """The document has both media types."""
    (version,) = client.rows("/")["versions"]["values"]

    assert ["application/json", "application/xml"] == [
        form["base"] for form in version["media-types"]
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_any_method_gets_the_document(client: Client, method: str) -> None:
    """Every method is answered alike, as v2 did."""
    assert "v2" == client.request(method, "/").json["versions"]["values"][0]["id"]


def test_document_is_open_to_everybody(proxied: Client) -> None:
    """A caller with neither a project nor a role may look for the version."""
    assert 200 == proxied.get("/", environ={"REMOTE_ADDR": "10.0.0.1"}).status_int


def test_document_is_json_only(client: Client) -> None:
    """XML is not acceptable here, as in v2."""
    assert_fault(client.get("/", headers={"Accept": "application/xml"}), 406)


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_root_of_version_two_is_nothing(client: Client, path: str) -> None:
    """There is no document at /v2 itself, as in v2."""
    assert_fault(client.get(path), 404, "could not be found")
