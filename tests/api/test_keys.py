"""Callers with API keys: how a key is sent, what it opens, and what is said without one."""

import base64
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from api.client import Client, assert_fault, keep, kept, url, v2_sample
from api.conftest import Serve

from metering.api.app import make_app
from metering.config import load
from metering.errors import Misconfigured
from metering.keys import KeyFile
from metering.storage.base import Storage

PATHS = ["/v2/samples", "/v2/meters", "/v2/resources/vm-1", "/v2/capabilities"]
PUBLIC = ["/", "/v2/openapi.json"]
REFUSED = "a valid API key is required"


def basic(user: str, password: str) -> dict[str, str]:
    """The header of Basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


WAYS: dict[str, Callable[[str], dict[str, str]]] = {
    "token": lambda key: {"X-Auth-Token": key},
    "token with blanks": lambda key: {"X-Auth-Token": f" {key} "},
    "bearer": lambda key: {"Authorization": f"Bearer {key}"},
    "bearer in capitals": lambda key: {"Authorization": f"BEARER  {key}"},
    "basic": lambda key: basic("agent", key),
    "basic without a user": lambda key: basic("", key),
    "basic with another user": lambda key: basic("адмін", key),
    "token before another": lambda key: {"X-Auth-Token": key} | basic("agent", "wrong"),
}


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    """A file with a key of p-2."""
    made = KeyFile(str(tmp_path / "keys.json"))
    made.create(project="p-2", user=None, roles=["admin"], note="")
    return made


@pytest.fixture
def keyed(serve: Serve, keys: KeyFile, tmp_path: Path) -> Client:
    """Nobody yet, where keys say who calls."""
    return serve(auth="keys", keys_file=str(tmp_path / "keys.json"))


def key_of(keys: KeyFile, project: str | None = "p-1", *roles: str) -> str:
    """The text of a new key; of a member, unless roles are named."""
    return keys.create(project=project, user="u-1", roles=roles or ["member"], note="")[1]


@pytest.mark.parametrize("way", WAYS)
def test_a_key_opens_its_project(keyed: Client, keys: KeyFile, storage: Storage, way: str) -> None:
    """However it is sent; the user name of Basic says nothing."""
    keep(storage, {}, {"project_id": "p-2"})

    response = keyed.get("/v2/samples", headers=WAYS[way](key_of(keys)))

    assert (200, ["p-1"]) == (response.status_int, [row["project_id"] for row in response.json])


NO_KEYS: dict[str, Callable[[str], dict[str, str]]] = {
    "nothing": lambda _: {},
    "an empty token": lambda _: {"X-Auth-Token": ""},
    "a blank token": lambda _: {"X-Auth-Token": "  "},
    "another token": lambda key: {"X-Auth-Token": key[:-1]},
    "a longer token": lambda key: {"X-Auth-Token": f"{key}A"},
    "the id": lambda key: {"X-Auth-Token": key.split("_")[1]},
    "two tokens": lambda key: {"X-Auth-Token": f"{key},{key}"},
    "a wrong token before the right one": lambda key: {"X-Auth-Token": "wrong"} | basic("", key),
    "no scheme": lambda key: {"Authorization": key},
    "another scheme": lambda key: {"Authorization": f"Token {key}"},
    "bearer alone": lambda _: {"Authorization": "Bearer"},
    "basic alone": lambda _: {"Authorization": "Basic"},
    "basic in the open": lambda key: {"Authorization": f"Basic agent:{key}"},
    "basic that is not UTF-8": lambda _: {"Authorization": "Basic //79"},
    "basic with the key as user": lambda key: basic(key, "x"),
    "basic without a colon": lambda key: {
        "Authorization": "Basic " + base64.b64encode(key.encode()).decode()
    },
    "letters of another script": lambda _: {"X-Auth-Token": "\xd0\xba"},
    "a cookie": lambda key: {"Cookie": f"X-Auth-Token={key}"},
    "a service token": lambda key: {"X-Service-Token": key},
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("what", NO_KEYS)
def test_without_a_key(
    keyed: Client, keys: KeyFile, storage: Storage, path: str, what: str
) -> None:
    """Always the same 401, which says how to do better and nothing else."""
    keep(storage, {})

    response = keyed.get(path, headers=NO_KEYS[what](key_of(keys)))

    assert_fault(response, 401)
    assert REFUSED == response.json["error_message"]["faultstring"]
    assert (
        'Bearer realm="metering", Basic realm="metering", charset="UTF-8"'
        == (response.headers["WWW-Authenticate"])
    )


def test_the_refusal_in_xml(keyed: Client) -> None:
    """In the form that the client accepts."""
    assert_fault(keyed.get("/v2/samples", headers={"Accept": "application/xml"}), 401, REFUSED)


def test_nobody_writes_without_a_key(keyed: Client, storage: Storage) -> None:
    """Nor with a wrong one."""
    for headers in ({}, {"X-Auth-Token": "wrong"}):
        response = keyed.request("POST", "/v2/samples", v2_sample_body(), headers=headers)
        assert_fault(response, 401, REFUSED)

    assert [] == kept(storage)


def v2_sample_body() -> str:
    """A sample of p-1, as it is sent."""
    return (
        '[{"name": "cpu", "type": "gauge", "unit": "core", "volume": 1, "resource_id": "vm-1",'
        ' "project_id": "p-1", "id": "a-1"}]'
    )


def test_identity_headers_mean_nothing(keyed: Client, keys: KeyFile, storage: Storage) -> None:
    """Who has a key of p-1 is in p-1, whatever else is sent; who has none is nobody."""
    keep(storage, {"project_id": "p-2"})
    forged = {
        "X-Project-Id": "p-2",
        "X-User-Id": "u-2",
        "X-Roles": "admin",
        "X-Identity-Status": "Confirmed",
        "OpenStack-System-Scope": "all",
        "X-Is-Admin-Project": "True",
    }
    with_key = keyed.get("/v2/samples", headers=forged | {"X-Auth-Token": key_of(keys)})

    assert [] == with_key.json
    assert_fault(keyed.get("/v2/samples", headers=forged), 401, REFUSED)


@pytest.mark.parametrize("path", PUBLIC)
def test_public_paths(keyed: Client, path: str) -> None:
    """The versions and the description need no key, and a wrong one does not matter."""
    answers = [keyed.get(path), keyed.get(path, headers={"X-Auth-Token": "wrong"})]

    assert [200, 200] == [answer.status_int for answer in answers]


@pytest.mark.parametrize(
    ("roles", "reads", "writes"),
    [
        (["member"], 200, 201),
        (["reader"], 200, 403),
        (["reader", "member"], 200, 201),
        (["admin"], 200, 201),
        (["ADMIN"], 200, 201),
        (["auditor"], 403, 403),
        (["administrator"], 403, 403),
    ],
)
def test_roles(keyed: Client, keys: KeyFile, roles: list[str], reads: int, writes: int) -> None:
    """A reader reads, a member writes too, and a role that no rule names opens nothing."""
    headers = {"X-Auth-Token": key_of(keys, "p-1", *roles)}

    read = keyed.get("/v2/samples", headers=headers)
    written = keyed.request("POST", "/v2/samples", v2_sample_body(), headers=headers)

    assert (reads, writes) == (read.status_int, written.status_int)


@pytest.mark.parametrize("roles", [["member"], ["reader"], ["reader", "member"]])
def test_a_key_without_a_project(
    keyed: Client, keys: KeyFile, storage: Storage, roles: list[str]
) -> None:
    """Only an administrator needs none."""
    headers = {"X-Auth-Token": key_of(keys, None, *roles)}

    assert_fault(keyed.get("/v2/samples", headers=headers), 403)
    assert_fault(keyed.post("/v2/samples", [v2_sample()], headers=headers), 403)
    assert [] == kept(storage)


def test_an_administrator(keyed: Client, keys: KeyFile, storage: Storage) -> None:
    """Reads and writes for all."""
    headers = {"X-Auth-Token": key_of(keys, None, "admin")}
    keyed.post("/v2/samples", [v2_sample(project_id="p-8")], headers=headers)
    keep(storage, {"project_id": "p-9"})

    rows = keyed.get("/v2/samples", headers=headers).json

    assert {"p-8", "p-9"} == {row["project_id"] for row in rows}


def test_foreign_projects(keyed: Client, keys: KeyFile) -> None:
    """401 in a question, as in v2, without a challenge: another key is not what is missing."""
    headers = {"X-Auth-Token": key_of(keys)}

    response = keyed.get(url("/v2/samples", ("project", "eq", "p-2")), headers=headers)

    assert_fault(response, 401, "Not Authorized to access project p-2")
    assert "WWW-Authenticate" not in response.headers


def test_a_revoked_key(keyed: Client, keys: KeyFile) -> None:
    """It ends with the next request."""
    headers = {"X-Auth-Token": key_of(keys)}
    before = keyed.get("/v2/samples", headers=headers).status_int
    keys.revoke(headers["X-Auth-Token"].split("_")[1])

    assert 200 == before
    assert_fault(keyed.get("/v2/samples", headers=headers), 401, REFUSED)


def test_a_file_that_went_away(keyed: Client, keys: KeyFile, tmp_path: Path) -> None:
    """Nobody gets in on what was read before, and nobody is told where the file was."""
    headers = {"X-Auth-Token": key_of(keys)}
    (tmp_path / "keys.json").unlink()

    response = keyed.get("/v2/samples", headers=headers)

    assert_fault(response, 503, "API keys cannot be checked now")
    assert str(tmp_path) not in response.text


@pytest.mark.parametrize("file", [None, "", "none.json", "."])
def test_no_start_without_keys(serve: Serve, tmp_path: Path, file: str | None) -> None:
    """A path that is missing or misspelt is found before the first request."""
    path = file and str(tmp_path / file)

    with pytest.raises(Misconfigured, match="keys"):
        serve(auth="keys", keys_file=path)


def test_no_key_in_the_log(
    keyed: Client, keys: KeyFile, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Neither a good one nor a wrong one, whatever becomes of the request."""
    good, wrong = key_of(keys), "metering_0123456789ab_" + "S" * 43
    with caplog.at_level(logging.DEBUG):
        for key in (good, wrong):
            for way in WAYS.values():
                keyed.get("/v2/samples", headers=way(key))
        (tmp_path / "keys.json").write_text("{}x", encoding="utf-8")
        keyed.get("/v2/samples", headers={"X-Auth-Token": good})

    assert caplog.text
    hidden = [one for key in (good, wrong) for one in (key, key.split("_", 2)[2])]
    hidden += [basic("agent", key)["Authorization"].split()[1] for key in (good, wrong)]
    assert [] == [one for one in hidden if one in caplog.text]


def test_a_key_for_billing(storage: Storage, tmp_path: Path) -> None:
    """The rule that the operators' page gives, for a key without a project: it reads all."""
    page = (Path(__file__).parents[2] / "docs" / "operating.rst").read_text(encoding="utf-8")
    (line,) = re.findall(r'^ +("all_readers": ".*")$', page, re.MULTILINE)
    keys, policy = KeyFile(str(tmp_path / "keys.json")), tmp_path / "policy.yaml"
    policy.write_text(f"{line}\n", encoding="utf-8")
    file = tmp_path / "metering.conf"
    options = f"[api]\nauth = keys\nkeys_file = {tmp_path}/keys.json\n"
    file.write_text(f"{options}[oslo_policy]\npolicy_file = {policy}\n", encoding="utf-8")
    biller = {"X-Auth-Token": key_of(keys, None, "biller")}
    client = Client(make_app(load(str(file)), storage))
    keep(storage, {}, {"project_id": "p-2"})

    assert {"p-1", "p-2"} == {
        row["project_id"] for row in client.rows("/v2/samples", headers=biller)
    }
    assert 200 == client.get("/v2/usage", headers=biller).status_int
    assert_fault(client.post("/v2/samples", [v2_sample()], headers=biller), 403)
    reader = {"X-Auth-Token": key_of(keys, None, "reader")}
    assert_fault(client.get("/v2/samples", headers=reader), 403)
    member = {"X-Auth-Token": key_of(keys, "p-1", "reader")}
    assert {"p-1"} == {row["project_id"] for row in client.rows("/v2/samples", headers=member)}
