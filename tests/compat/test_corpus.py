"""The recorded answers of the last real Ceilometer, against those of this service.

Each difference must be of a kind that `docs/compatibility.rst` lists; the tables there are read.
"""

import importlib.util
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from e2e.processes import metering_api

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "compat"
PAGE = ROOT / "docs" / "compatibility.rst"

POLICY = """
"context_is_admin": "role:auditor"
"default": "!"
"telemetry:get_meters": "role:reader or role:auditor"
"telemetry:get_samples": "role:auditor"
"telemetry:get_resources": ""
"""
# Of answers that are not v2's, an outline that was looked at once: they must not change unseen.
REVIEWED = Path(__file__).parent / "reviewed.json"
WHOLE_ANSWER = {"rows", "text", "allow", "access-control-allow-origin"}
CONFIGURATIONS = {
    "default": "",
    "limit3": "default_limit = 3\n",
    "policy": "[oslo_policy]\npolicy_file = {directory}/rules.yaml\n",
    "cors": "[cors]\nallowed_origin = http://valid.example.com\n",
}


@dataclass(frozen=True)
class Kind:
    """A row of the page."""

    name: str
    requests: re.Pattern[str]
    recorded: frozenset[int]
    here: frozenset[int]
    fields: frozenset[str]


def kinds() -> list[Kind]:
    """The rows of the page's tables."""
    found = []
    for item in re.split(r"^   \* - ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        cells = [" ".join(cell.split()) for cell in re.split(r"^     - ", item, flags=re.MULTILINE)]
        if cells[0] != "kind":
            name, requests, recorded, here, fields = cells[:5]
            found.append(
                Kind(
                    name,
                    re.compile(requests.strip("`"), re.DOTALL),
                    frozenset(map(int, recorded.split())),
                    frozenset(map(int, here.split())),
                    frozenset(fields.replace("\\-", "").split()),
                )
            )
    return found


def load(name: str) -> ModuleType:
    """A program of the corpus, as a module."""
    spec = importlib.util.spec_from_file_location(f"compat_{name}", CORPUS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(name: str) -> Iterator[dict[str, Any]]:
    """The lines of a file of the corpus."""
    with (CORPUS / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def configure(directory: Path, name: str) -> str:
    """The path of the configuration file for that configuration of the corpus."""
    (directory / "rules.yaml").write_text(POLICY, encoding="utf-8")
    file = directory / f"{name}.conf"
    text = "[api]\nauth = headers\n" + CONFIGURATIONS[name].format(directory=directory)
    file.write_text(text, encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Our answer to each request, each configuration over the same samples."""
    directory = tmp_path_factory.mktemp("corpus")
    filled = directory / "filled.db"
    url = f"sqlite:///{filled}"
    options = ["--config-file", configure(directory, "default")]
    with metering_api(directory, *options, "--connection", url) as one:
        record_one_by_one(one.address)
    sender = load("run_requests")
    found = {}
    for name in CONFIGURATIONS:
        database = directory / f"{name}.db"
        copy_database(filled, database)
        options = ["--config-file", configure(directory, name)]
        with metering_api(directory, *options, "--connection", f"sqlite:///{database}") as served:
            for request in rows("requests.jsonl"):
                if request["config"] == name:
                    found[request["id"]] = sender.send(f"http://{served.address}", request)
    return found


def copy_database(source: Path, target: Path) -> None:
    """Copy all that was committed, also what still stands in the log beside the file."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as two:
        one.backup(two)


def record_one_by_one(address: str) -> None:
    """Record the samples of the corpus in the order of its file."""
    connection = HTTPConnection(address, timeout=60)
    headers = {"Content-Type": "application/json", "X-Roles": "admin"}
    for sample in rows("samples.jsonl"):
        connection.request("POST", "/v2/samples", json.dumps(sample), headers)
        response = connection.getresponse()
        assert response.status == 201, response.read()
        response.read()
    connection.close()


class Judge:
    """Explains differences by the kinds of the page, and counts them."""

    def __init__(self) -> None:
        self.check = load("check")
        self.kinds = kinds()
        self.used: Counter[str] = Counter()
        self.outlines: dict[str, Any] = {}

    def explain(self, request: dict[str, Any], recorded: dict, ours: dict) -> str | None:
        """What is left unexplained, or None."""
        problems = list(self.check.problems(request, recorded, ours))
        if not problems or is_fault_of_v2(request, recorded):
            return None
        if is_text_of_error(problems, recorded["status"]):
            return None
        body = request.get("raw_body") or json.dumps(request.get("body"))
        asked = f"{request['method']} {request['path']} {body}"
        for kind in self.kinds:
            fits = recorded["status"] in kind.recorded and ours["status"] in kind.here
            if fits and kind.requests.search(asked) and self.is_all(kind, request, recorded, ours):
                self.used[kind.name] += 1
                if ours["status"] < 300 and self.is_whole(kind, recorded, ours):
                    self.outlines[request["id"]] = outline(ours.get("json"))
                return None
        return f"{request['id']} {asked[:200]}: {problems}"

    def is_whole(self, kind: Kind, recorded: dict, ours: dict) -> bool:
        """Whether the kind makes another answer of it, which v2's says nothing about."""
        return recorded["status"] != ours["status"] or bool(WHOLE_ANSWER & kind.fields)

    def is_all(self, kind: Kind, request: dict, recorded: dict, ours: dict) -> bool:
        """Whether nothing differs beyond the fields of the kind."""
        if self.is_whole(kind, recorded, ours):
            return True
        volatile = [*request["compare"].get("volatile", []), *kind.fields]
        order = "count" if request["compare"].get("order") == "count" else "any"
        compare = {**request["compare"], "order": order, "volatile": volatile}
        for field in kind.fields:
            if field.startswith("rows:"):
                recorded, ours = without_rows(field.removeprefix("rows:"), recorded, ours)
        return not list(self.check.problems({**request, "compare": compare}, recorded, ours))


def outline(answer: Any) -> Any:
    """What tells one answer from another: which rows, in any order, and their figures."""
    if isinstance(answer, list):
        return sorted(map(outline, answer), key=json.dumps)
    names = ("resource_id", "name", "counter_volume", "volume", "groupby", "count", "sum")
    return [answer[name] for name in names if name in answer] if answer else answer


def without_rows(resources: str, *answers: dict[str, Any]) -> list[dict[str, Any]]:
    """The answers without the rows of resources that match; lists that a limit cut, as long."""
    kept = []
    for answer in answers:
        listed = answer["json"] if isinstance(answer["json"], list) else [answer["json"]]
        kept.append(
            [row for row in listed if not re.fullmatch(resources, row["resource_id"] or "")]
        )
    length = min(map(len, kept))
    return [{**answer, "json": row[:length]} for answer, row in zip(answers, kept, strict=True)]


def is_fault_of_v2(request: dict[str, Any], recorded: dict[str, Any]) -> bool:
    """Whether the corpus itself says that v2 was wrong, or that a library decided."""
    compare = request["compare"]
    marked = compare.get("peer_bug") or compare.get("platform")
    return bool(marked) or recorded["status"] >= 500


def is_text_of_error(problems: list[str], status: int) -> bool:
    """Whether the request was refused alike, in other words."""
    return status >= 400 and all(problem.startswith("faultstring ") for problem in problems)


def test_every_difference_from_v2_is_of_a_listed_kind(answers: dict[str, dict[str, Any]]) -> None:
    """All requests of the corpus; and each kind of the page is met by one of them."""
    judge = Judge()
    recorded = {row["id"]: row for row in rows("responses.jsonl")}
    asked = [row for row in rows("requests.jsonl") if row["id"] in answers]

    unexplained = [
        said
        for row in asked
        if (said := judge.explain(row, recorded[row["id"]], answers[row["id"]]))
    ]

    assert not unexplained, "\n".join(unexplained)
    assert len(asked) > 880
    assert json.loads(REVIEWED.read_text(encoding="utf-8")) == judge.outlines
    assert set() == {kind.name for kind in judge.kinds} - judge.used.keys()


def test_no_answer_is_a_fault_of_ours(answers: dict[str, dict[str, Any]]) -> None:
    """Whatever v2 made of a request, here it is never a 5xx."""
    assert [] == [name for name, answer in answers.items() if answer["status"] >= 500]
