"""Ceilometer's agents deliver here: their real HTTP publisher posts to POST /v2/samples."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from clients.asking import get, post_lines
from clients.polled import NANOSECONDS, SUMS, Sample, batch, polled
from clients.venvs import isolated
from e2e.processes import Service, configuration, metering_api

PUBLISH = Path(__file__).parent / "agent_publish.py"
OPTIONS = "?timeout=5&max_retries=2"
AGENTS_TIMEOUT = 5


class Agent:
    """An agent that publishes to one service, under a source of its own.

    `target`, `log` and `seconds` are those of the last time.
    """

    def __init__(self, python: Path, address: str, source: str) -> None:
        """Take the Python that has the publisher, and where the service listens."""
        self.address = address
        self.target = ""
        self.log: list[list[str]] = []
        self.seconds: list[float] = []
        self._python = python
        self._source = source

    def publish(self, *batches: list[Sample], url: str = "", options: str = OPTIONS) -> None:
        """Publish batches, one after the other."""
        where = url or f"http://{self.address}/v2/samples"
        marked = [[{**one, "source": self._source} for one in batch] for batch in batches]
        done = subprocess.run(
            [self._python, "-I", PUBLISH],
            input=json.dumps({"url": where + options, "batches": marked}),
            env=isolated(),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=60,
        )
        answer = json.loads(done.stdout)
        self.target, self.log, self.seconds = answer["target"], answer["log"], answer["seconds"]

    def statuses(self) -> list[str]:
        """The status of each answer, when the publisher logged nothing else; else the log."""
        said = [text for _, text in self.log if not text.startswith("Default value ")]
        begun, *posts = said
        told = f"Message posting to {self.target}: status code "
        if all(text.startswith(told) for text in posts) and "is initialized" in begun:
            return [text.removeprefix(told).rstrip(".") for text in posts]
        return said

    def kept(self, *more: str) -> list[dict[str, Any]]:
        """The samples that the service has from this agent; a field and a value narrow it."""
        return list(get(self.address, f"/v2/samples?limit=1000&{self._mine(*more)}"))

    def figures(self, meter: str) -> dict[str, Any]:
        """The only row of the statistics of a meter."""
        (row,) = get(self.address, f"/v2/meters/{meter}/statistics?{self._mine()}")
        return dict(row)

    def _mine(self, *more: str) -> str:
        both = ("source", self._source, *more)
        return urlencode({"q.field": both[::2], "q.value": both[1::2]}, doseq=True)


@pytest.fixture
def agent(agent_python: Path, address: str, request: pytest.FixtureRequest) -> Agent:
    """An agent of this test alone."""
    return Agent(agent_python, address, request.node.name)


def test_a_batch_of_fifty_arrives_with_exact_volumes(agent: Agent) -> None:
    """Integers beyond 2**53, fractions and numeric text: sums and counts are those sent."""
    agent.publish(batch())
    assert ["201"] == agent.statuses()
    sums = {meter: agent.figures(meter)["sum"] for meter in SUMS}
    assert SUMS == sums
    counts = {meter: int(agent.figures(meter)["count"]) for meter in SUMS}
    assert {"cpu": 20, "memory.usage": 10, "disk.usage": 10, "image.size": 10} == counts


def test_an_answer_takes_a_fraction_of_the_agents_timeout(agent: Agent) -> None:
    """Agents give up after five seconds, and drop the batch."""
    agent.publish(*(batch()[:40] for _ in range(5)))
    assert ["201"] * 5 == agent.statuses()
    assert max(agent.seconds) < AGENTS_TIMEOUT / 2


def test_one_by_one_is_the_same_as_in_batches(agent: Agent) -> None:
    """With batch=False the publisher posts each sample as an object of its own."""
    agent.publish(batch(), options=f"{OPTIONS}&batch=False")
    assert ["201"] * 50 == agent.statuses()
    assert SUMS == {meter: agent.figures(meter)["sum"] for meter in SUMS}


def test_a_batch_that_is_sent_again_counts_once(agent: Agent) -> None:
    """By its ids; whole, in part, and one by one."""
    first = batch()[:40]
    agent.publish(first, first, first[10:30])
    assert ["201"] * 3 == agent.statuses()
    agent.publish(first, options="?batch=False")
    assert ["201"] * 40 == agent.statuses()
    assert (20, SUMS["cpu"]) == (agent.figures("cpu")["count"], agent.figures("cpu")["sum"])
    assert 40 == len(agent.kept())


def test_a_file_of_samples_makes_up_for_dropped_batches(agent: Agent, tmp_path: Path) -> None:
    """The agents' file publisher writes what the service reads as lines of JSON."""
    file = tmp_path / "samples.json"
    samples = batch()[:40]
    agent.publish(samples[:30])
    agent.publish(samples, url=f"file://{file}", options="?json&max_bytes=1000000&backup_count=9")
    status, verdicts = post_lines(agent.address, file.read_bytes())
    assert (201, 10, 30) == (status, verdicts["accepted"], verdicts["duplicates"])
    assert SUMS["cpu"] == agent.figures("cpu")["sum"]


def test_a_sample_is_kept_as_the_pollster_made_it(agent: Agent) -> None:
    """Owners, time and unit; names of users and projects are not asked for, and ignored."""
    names = {"user_name": "alice", "project_name": "acme", "monotonic_time": 12.5}
    sent = polled(7, "cpu", NANOSECONDS, type="cumulative", unit="ns", **names)
    agent.publish([sent])
    (kept,) = agent.kept()
    expected = {
        "id": sent["id"],
        "meter": "cpu",
        "type": "cumulative",
        "unit": "ns",
        "volume": Decimal(NANOSECONDS),
        "user_id": sent["user_id"],
        "project_id": sent["project_id"],
        "resource_id": "instance-0007",
        "timestamp": "2024-06-01T00:07:07.123000",
    }
    assert expected == {name: kept[name] for name in expected}


def test_nested_metadata_can_be_read_and_asked_for(agent: Agent) -> None:
    """Keys with dots, dollar signs and colons, nulls, lists, booleans and large numbers."""
    agent.publish([polled(1, "cpu", 1)])
    (kept,) = agent.kept()
    expected = {
        "flavor.name": "m1.small",
        "flavor.vcpus": "2",
        "task_state": "None",
        "OS-EXT-AZ.availability_zone": "nova",
        "user_metadata.prop:with:dots": "x",
        "user_metadata.$price": "1",
        "$where.$gt": "",
        "devices": "['vda', 'vdb']",
        "image.links": "[{'href': 'http://glance/i-1', 'rel': 'bookmark'}]",
        "active": "True",
        "root_gb": "20.5",
        "bytes": "9223372036854775809",
        "display_name": "größe-1",
    }
    assert expected == {name: kept["metadata"].get(name) for name in expected}
    asked = {
        "flavor.vcpus": "2",
        "OS-EXT-AZ:availability_zone": "nova",
        "user_metadata.prop.with.dots": "x",
        "user_metadata.$price": "'1'",
        "devices": "vdb",
        "image.links.rel": "bookmark",
        "task_state": "None",
        "active": "True",
    }
    for path, value in asked.items():
        assert [kept] == agent.kept(f"metadata.{path}", value), path


def test_both_forms_of_timestamps_are_utc(agent: Agent) -> None:
    """Pollsters send none, notifications +00:00; others an offset, which is converted."""
    forms = {
        "naive": "2024-06-01T01:00:00.5",
        "utc": "2024-06-01T01:00:00.500000+00:00",
        "zulu": "2024-06-01T01:00:00.500Z",
        "east": "2024-06-01T03:00:00.500000+02:00",
    }
    agent.publish(
        [polled(1, "cpu", 1, id=name, timestamp=form) for name, form in forms.items()],
        [sample for sample in batch() if "message" in sample],
    )
    polled_at = {sample["id"]: sample["timestamp"] for sample in agent.kept("meter", "cpu")}
    assert dict.fromkeys(forms, "2024-06-01T01:00:00.500000") == polled_at
    newest, *_ = agent.kept("meter", "image.size")
    owner = (newest["user_id"], newest["project_id"])
    assert ("2024-06-01T01:09:00.654000", (None, None)) == (newest["timestamp"], owner)


def test_one_bad_sample_does_not_cost_the_others(agent: Agent) -> None:
    """The rest of its batch is kept, and the publisher sees no error."""
    faults: list[dict[str, Any]] = [
        {"volume": "a lot"},
        {"volume": None},
        {"volume": [1]},
        {"volume": 1e40},
        {"timestamp": "yesterday"},
        {"resource_id": None},
        {"name": ""},
        {"unit": None},
        {"resource_metadata": {"deep": {"a.b": 1, "a": {"b": 2}}}},
        {"resource_metadata": {"large": "x" * 20_000}},
    ]
    good = [[polled(n, "cpu", 1, id=f"{batch}-{n}") for n in range(49)] for batch in range(10)]
    spoilt = [polled(59, "cpu", 1, id=f"spoilt-{n}") | fault for n, fault in enumerate(faults)]
    agent.publish(*([*ours[:9], bad, *ours[9:]] for ours, bad in zip(good, spoilt, strict=True)))
    assert ["207"] * 10 == agent.statuses()
    assert (490, 490) == (agent.figures("cpu")["count"], agent.figures("cpu")["sum"])


def test_a_volume_that_json_has_no_number_for_costs_itself_only(agent: Agent) -> None:
    """The publisher writes NaN all the same, which is no JSON; the others of its batch are kept."""
    agent.publish([polled(n, "cpu", volume) for n, volume in enumerate((1, float("nan"), 2))])
    assert ["207"] == agent.statuses()
    assert (2, 3) == (agent.figures("cpu")["count"], agent.figures("cpu")["sum"])


def test_a_taken_id_does_not_cost_the_others(agent: Agent) -> None:
    """Another sample under the same id changes nothing; what is new in the batch is kept."""
    agent.publish([polled(1, "cpu", 1)], [polled(1, "cpu", 2), polled(2, "cpu", 4)])
    assert ["201", "207"] == agent.statuses()
    assert (2, 5) == (agent.figures("cpu")["count"], agent.figures("cpu")["sum"])


def test_the_line_that_the_readme_gives_is_enough(agent: Agent) -> None:
    """The publisher takes its options out of the URL, and the credentials too."""
    readme = (Path(__file__).parents[2] / "README.rst").read_text(encoding="utf-8")
    (line,) = (line for line in readme.splitlines() if "publishers:" in line)
    url = line.split('"')[1]
    assert "agent:KEY@metering.example.net/v2/samples?" in url
    here = url.replace("https:", "http:").replace("metering.example.net", agent.address)
    agent.publish(batch(), url=here, options="")
    assert f"http://{agent.address}/v2/samples" == agent.target
    assert ["201"] == agent.statuses()


def test_every_option_of_the_publisher_stays_with_the_publisher(agent: Agent) -> None:
    """What it sends has no query, which would be refused."""
    options = "?timeout=5&max_retries=0&batch=False&verify_ssl=False&raw_only=1"
    agent.publish([polled(1, "cpu", 1)], options=options)
    assert f"http://{agent.address}/v2/samples" == agent.target
    assert ["201"] == agent.statuses()


def test_an_argument_that_is_no_option_is_refused_and_named(agent: Agent) -> None:
    """The publisher leaves it in the URL; its log has the status, and nothing is stored."""
    agent.publish([polled(1, "cpu", 1)], options="?site=east")
    assert ["ERROR"] == [level for level, text in agent.log if "Status Code: 400" in text]
    assert [] == agent.kept()


def with_keys(folder: Path) -> Path:
    """A configuration with a file of keys, and the rule of docs/clients.rst for agents."""
    url = f"sqlite:///{folder}/metering.db"
    file = configuration(folder, url, auth="keys", keys_file=folder / "keys.json")
    rule = '"segregation": "rule:context_is_admin or role:agent"\n'
    (folder / "policy.yaml").write_text(rule, encoding="utf-8")
    with file.open("a", encoding="utf-8") as opened:
        print(f"[oslo_policy]\npolicy_file = {folder}/policy.yaml", file=opened)
    return file


def new_key(file: Path, role: str) -> str:
    """The text of a new key, as `metering-manage` prints it."""
    command = ["metering-manage", "--config-file", str(file), "key", "create", "--role", role]
    path = str(Path(sys.executable).parent / command[0])
    done = subprocess.run(
        [path, *command[1:]], check=True, stdout=subprocess.PIPE, text=True, timeout=60
    )
    return done.stdout.strip()


def read_with(key: str, service: Service) -> requests.Response:
    """All samples, for who has the key."""
    url = f"http://{service.address}/v2/samples"
    return requests.get(url, headers={"X-Auth-Token": key}, timeout=60)


def test_an_agent_with_a_key_records_for_all_and_reads_nothing(
    agent_python: Path, tmp_path: Path
) -> None:
    """The key is the password in the publisher's URL; the log of the service has no key."""
    file = with_keys(tmp_path)
    key, admin = new_key(file, "agent"), new_key(file, "admin")
    with metering_api(tmp_path, METERING_CONFIG_FILE=str(file)) as service:
        agent = Agent(agent_python, f"agent:{key}@{service.address}", "with a key")
        agent.publish(
            [polled(1, "cpu", 1, project_id="p-1"), polled(2, "cpu", 1, project_id="p-2")]
        )
        published = agent.statuses()
        agent.publish(
            [polled(3, "cpu", 1, project_id="p-3")],
            url=f"http://agent:wrong@{service.address}/v2/samples",
        )
        refused = agent.statuses()

        assert ["201"] == published
        assert "401" in str(refused)
        assert 403 == read_with(key, service).status_code
        rows = read_with(admin, service).json()
        assert {"p-1", "p-2"} == {row["project_id"] for row in rows}
        assert {"with a key"} == {row["source"] for row in rows}
        assert key not in service.log
