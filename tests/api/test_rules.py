"""Rights behind a proxy: roles, projects that are none, and what cannot be claimed."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

import pytest
from api.client import Client, assert_fault, keep, kept, v2_sample
from api.conftest import Serve
from oslo_policy import policy

from metering.api.app import make_app
from metering.api.callers.identity import Identity
from metering.api.callers.rules import ADMINISTERS, Rules
from metering.config import load
from metering.errors import Misconfigured
from metering.keys import KeyFile
from metering.storage.base import Storage

CLIENTS = Path(__file__).parents[2] / "docs" / "clients.rst"


@pytest.mark.parametrize(
    ("roles", "reads", "writes"),
    [
        ("", 200, 201),
        ("member", 200, 201),
        ("reader", 200, 403),
        ("READER", 200, 403),
        ("reader,member", 200, 201),
        ("manager", 200, 201),
        ("reader,admin", 200, 201),
        ("reader, admin", 200, 403),
    ],
)
def test_roles(proxied: Client, roles: str, reads: int, writes: int) -> None:
    """Whom the proxy lets through writes, as in v2, unless a mere reader."""
    caller = proxied.acting(project="p-1", roles=roles)

    read = caller.get("/v2/samples")
    written = caller.post("/v2/samples", [v2_sample()])

    assert (reads, writes) == (read.status_int, written.status_int)


@pytest.mark.parametrize("roles", ["reader", "reader ", "billing,reader", "billing, reader"])
@pytest.mark.parametrize("path", ["/v2/samples", "/v2/meters/cpu"])
def test_a_reader_stores_nothing(proxied: Client, storage: Storage, path: str, roles: str) -> None:
    """The refusal comes before the body is looked at; headers that were joined have blanks."""
    caller = proxied.acting(project="p-1", roles=roles)

    assert_fault(caller.post(path, [v2_sample()]), 403, "RBAC Authorization Failed")
    assert_fault(caller.post(path, [v2_sample(project_id="p-2")]), 403, "RBAC")
    assert [] == kept(storage)


@pytest.mark.parametrize("roles", ["member, reader", "reader ,admin"])
def test_who_has_more_roles_stores(proxied: Client, storage: Storage, roles: str) -> None:
    """Keystone says of each member that it is a reader, too."""
    caller = proxied.acting(project="p-1", roles=roles)

    assert 201 == caller.post("/v2/samples", [v2_sample()]).status_int
    assert 1 == len(kept(storage))


def test_a_reader_asks_with_a_filter(proxied: Client, storage: Storage) -> None:
    """A question that is POSTed is no writing."""
    keep(storage, {})
    caller = proxied.acting(project="p-1", roles="reader")

    assert 1 == len(caller.request("POST", "/v2/query/samples", "{}").json)


@pytest.mark.parametrize("project", ["", " ", "\t", "   "])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_project_of_blanks(proxied: Client, storage: Storage, project: str, method: str) -> None:
    """Blanks are no project, also if there were samples of it."""
    keep(storage, {"project_id": " "})
    environ = {"HTTP_X_PROJECT_ID": project, "HTTP_X_ROLES": "member"}

    response = proxied.request(method, "/v2/samples", b"[]", environ=environ)

    assert_fault(response, 403, "RBAC Authorization Failed")


@pytest.mark.parametrize("project", ["p-1 ", " p-1", "P-1", "p-1,p-2", "None", "%", "p\u0131"])
def test_almost_a_project(proxied: Client, storage: Storage, project: str) -> None:
    """What is not the project to the letter is another one."""
    keep(storage, {}, {"project_id": "p-2"})
    environ = {"HTTP_X_PROJECT_ID": project.encode().decode("latin-1")}

    assert [] == proxied.get("/v2/samples", environ=environ).json


@pytest.mark.parametrize(
    "claims",
    [
        {"OpenStack-System-Scope": "all", "X-Roles": "reader"},
        {"X-Is-Admin-Project": "True", "X-Roles": "member"},
        {"X-Identity-Status": "Confirmed", "X-Roles": "reader"},
        {"X-Service-Roles": "admin", "X-Service-Project-Id": "p-1"},
        {"X-Tenant-Id": "p-1", "X-Role": "admin"},
    ],
)
def test_claims_that_mean_nothing_here(
    proxied: Client, storage: Storage, claims: dict[str, str]
) -> None:
    """Three headers say who calls; the others of Keystone's would have passed a proxy unseen."""
    keep(storage, {}, {"project_id": "p-2"})

    assert_fault(proxied.get("/v2/samples", headers=claims), 403)
    rows = proxied.get("/v2/samples", headers=claims | {"X-Project-Id": "p-2"}).json
    assert ["p-2"] == [row["project_id"] for row in rows]


def with_rules(storage: Storage, folder: Path, rules: str, api: str = "auth = headers") -> Client:
    """An application whose operator has a file of rules."""
    (folder / "rules.yaml").write_text(rules, encoding="utf-8")
    file = folder / "metering.conf"
    file.write_text(
        f"[api]\n{api}\n[oslo_policy]\npolicy_file = {folder}/rules.yaml\n", encoding="utf-8"
    )
    return Client(make_app(load(str(file)), storage))


def test_who_reads_all_writes_for_the_own_project_only(storage: Storage, tmp_path: Path) -> None:
    """The operator's auditors read everything; that makes them no administrators."""
    client = with_rules(storage, tmp_path, '"all_readers": "role:auditor"\n')
    keep(storage, {"project_id": "p-2"})
    auditor = client.acting(project="p-1", roles="auditor")

    assert ["p-2"] == [row["project_id"] for row in auditor.rows("/v2/samples")]
    refused = auditor.post("/v2/meters/cpu", [v2_sample(project_id="p-2")])
    assert_fault(refused, 400, "project")
    assert 201 == auditor.post("/v2/meters/cpu", [v2_sample(project_id="p-1")]).status_int


def test_who_reads_all_and_has_no_project_never_writes(storage: Storage, tmp_path: Path) -> None:
    """Whatever the rules say: there is nobody to write for."""
    rules = '"all_readers": "role:auditor"\n"telemetry:create_samples": ""\n'
    auditor = with_rules(storage, tmp_path, rules).acting(roles="auditor")

    assert [] == auditor.rows("/v2/samples")
    assert_fault(auditor.post("/v2/samples", [v2_sample(project_id=None)]), 403)
    assert [] == kept(storage)


def test_who_writes_for_all_need_not_read(storage: Storage, tmp_path: Path) -> None:
    """The rule in docs/clients.rst: an agent's key records for every project, and reads nothing."""
    (rule,) = re.findall(
        '^ *("segregation": .*)$', CLIENTS.read_text(encoding="utf-8"), re.MULTILINE
    )
    keys = KeyFile(str(tmp_path / "keys.json"))
    _, text = keys.create(project=None, user=None, roles=["agent"], note="")
    api = f"auth = keys\nkeys_file = {tmp_path}/keys.json"
    agent = with_rules(storage, tmp_path, rule, api)
    sent = {"X-Auth-Token": text}

    written = agent.post("/v2/samples", [v2_sample(project_id="p-7")], headers=sent)
    assert 201 == written.status_int
    assert_fault(agent.get("/v2/samples", headers=sent), 403)
    assert ["p-7"] == [sample.series.project_id for sample in kept(storage)]


def test_a_default_of_the_file_is_no_scope(serve: Serve, storage: Storage, tmp_path: Path) -> None:
    """`default` is for what may be asked; it makes nobody an administrator, or a reader of all."""
    keep(storage, {}, {"project_id": "p-2"})
    member = with_rules(storage, tmp_path, '"default": ""\n').acting(project="p-1", roles="x")

    assert ["p-1"] == [row["project_id"] for row in member.rows("/v2/samples")]


BROKEN = ['"all_readers": "role:audi', "all_readers", "- all_readers", '"all_readers": 1', "\x00"]


@pytest.mark.parametrize("rules", BROKEN)
def test_rules_that_cannot_be_read_are_told_at_the_start(
    storage: Storage, tmp_path: Path, rules: str
) -> None:
    """A service that starts would refuse everybody, for ever."""
    with pytest.raises(Misconfigured, match="policy_file cannot be read"):
        with_rules(storage, tmp_path, rules)


@pytest.mark.parametrize("rules", BROKEN)
@pytest.mark.parametrize("broken", ["rules.yaml", "policy.d/more.yaml"])
def test_rules_that_are_broken_later_open_nothing(
    storage: Storage, tmp_path: Path, rules: str, broken: str
) -> None:
    """Neither those from before nor the defaults go on unseen; mended, the new ones hold."""
    (tmp_path / "policy.d").mkdir()
    client = with_rules(storage, tmp_path, '"project_reader": "role:x"\n')
    caller = client.acting(project="p-1", roles="x")
    assert [] == caller.rows("/v2/samples")

    (tmp_path / broken).write_text(rules, encoding="utf-8")
    later = [caller.get("/v2/samples") for _ in range(3)]
    (tmp_path / broken).write_text('"project_reader": "role:y"\n', encoding="utf-8")

    for refused in later:
        assert_fault(refused, 503, "rights cannot be checked now")
    assert_fault(caller.get("/v2/samples"), 403)
    assert [] == client.acting(project="p-1", roles="y").rows("/v2/samples")


def test_nobody_decides_while_rules_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """An enforcer that reads its file has a part of the rules only: other threads wait."""
    reading, met = Lock(), []
    load_rules = policy.Enforcer.load_rules

    def slowly(enforcer: policy.Enforcer, force_reload: bool = False) -> None:  # noqa: FBT002
        met.append(reading.acquire(blocking=False))
        time.sleep(0.02)
        load_rules(enforcer, force_reload)
        if met[-1]:
            reading.release()

    rules = Rules(load([]))
    monkeypatch.setattr(policy.Enforcer, "load_rules", slowly)
    admin = Identity(project_id=None, user_id=None, roles=("admin",), system_scope=None)
    with ThreadPoolExecutor(4) as pool:
        decided = list(pool.map(lambda _: rules.allow(ADMINISTERS, admin), range(8)))

    assert [True] * 8 == decided
    assert all(met)


def test_rules_whose_file_is_gone_open_nothing(storage: Storage, tmp_path: Path) -> None:
    """The defaults would let in whom the file kept out; they hold only if there never was one."""
    client = with_rules(storage, tmp_path, '"project_reader": "role:x"\n')
    kept_out = client.acting(project="p-1", roles="member")
    assert_fault(kept_out.get("/v2/samples"), 403)

    (tmp_path / "rules.yaml").rename(tmp_path / "away")
    later = [kept_out.get("/v2/samples") for _ in range(3)]
    (tmp_path / "away").rename(tmp_path / "rules.yaml")

    for refused in later:
        assert_fault(refused, 503, "rights cannot be checked now")
    assert_fault(kept_out.get("/v2/samples"), 403)
    assert [] == client.acting(project="p-1", roles="x").rows("/v2/samples")
