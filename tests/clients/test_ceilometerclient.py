"""The commands of the real python-ceilometerclient read what was recorded: the tables it prints."""

import subprocess
from pathlib import Path

import pytest
from clients.ceilometer import Ceilometer, cells
from clients.venvs import isolated

C1 = ["c1", "vm-1", "cpu", "cumulative", "1.0", "ns", "2024-06-01T00:00:00"]
C2 = ["c2", "vm-1", "cpu", "cumulative", "2.5", "ns", "2024-06-01T00:50:00"]
C3 = ["c3", "vm-2", "cpu", "cumulative", "4.0", "ns", "2024-06-01T00:30:00"]
C4 = ["c4", "vm-2", "cpu", "cumulative", "10.0", "ns", "2024-06-01T01:10:00.250000"]


def of_meter(*samples: list[str]) -> list[list[str]]:
    """The rows that `sample-list` prints of the samples of one meter: without their ids."""
    return [row[1:] for row in samples]


def test_the_installed_command_finds_the_service_by_its_environment(
    client_python: Path, address_with_usage: str
) -> None:
    """The script as pip made it, with nothing patched, told by two variables where to go."""
    where = {"CEILOMETER_URL": f"http://{address_with_usage}/", "OS_TOKEN": "a-token"}
    done = subprocess.run(
        [client_python.with_name("ceilometer"), "meter-list", "--unique", "True"],
        env=isolated() | where,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    expected = [
        ["Name", "Type", "Unit", "Resource ID", "User ID", "Project ID"],
        ["cpu", "cumulative", "ns", "None", "None", "None"],
        ["disk.size", "gauge", "GB", "None", "None", "None"],
    ]
    assert expected == cells(done.stdout)


def test_meter_list_shows_each_meter_of_each_resource(reader: Ceilometer) -> None:
    """One row for each resource and meter, sorted by the client."""
    expected = [
        ["cpu", "cumulative", "ns", "vm-1", "alice", "acme"],
        ["cpu", "cumulative", "ns", "vm-2", "bob", "globex"],
        ["disk.size", "gauge", "GB", "50%+1", "alice", "acme"],
        ["disk.size", "gauge", "GB", "a disk", "alice", "acme"],
        ["disk.size", "gauge", "GB", "größe-盘", "alice", "acme"],
        ["disk.size", "gauge", "GB", "net/eth0", "alice", "acme"],
        ["disk.size", "gauge", "GB", "x", "alice", "acme"],
    ]
    assert expected == sorted(reader.columns("meter-list"))


@pytest.mark.parametrize(
    ("options", "resources"),
    [
        (["-q", "project=globex"], ["vm-2"]),
        (["-q", "project_id=acme;resource=vm-1"], ["vm-1"]),
        (["-q", "user=string::bob"], ["vm-2"]),
        (["-q", "metadata.vcpus=integer::2"], ["vm-1"]),
        (["-q", "metadata.flavor.name=large"], ["vm-2"]),
        (["-q", "source=test", "-l", "2"], ["50%+1", "a disk"]),
        (["--unique", "False", "-l", "1"], ["50%+1"]),
        (["--unique", "True"], ["None", "None"]),
        (["-q", "project=nobody"], []),
    ],
)
def test_meter_list_takes_conditions_a_limit_and_unique(
    reader: Ceilometer, options: list[str], resources: list[str]
) -> None:
    """Each option does to the rows what the client's help says."""
    assert resources == [row["Resource ID"] for row in reader.rows("meter-list", *options)]


def test_sample_list_shows_the_newest_samples_of_all_meters(reader: Ceilometer) -> None:
    """The rows keep the order of the answer; a limit cuts the oldest."""
    rows = reader.columns("sample-list", "-q", "meter=cpu", "-l", "3")
    assert [C4, C2, C3] == rows
    assert 9 == len(reader.columns("sample-list"))


def test_sample_list_of_a_meter_is_another_table_of_the_same_samples(reader: Ceilometer) -> None:
    """The older form of a sample: counter_name, counter_volume, and so on."""
    assert of_meter(C4, C2, C3, C1) == reader.columns("sample-list", "-m", "cpu")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("timestamp>=2024-06-01T00:30:00;timestamp<2024-06-01T00:50:00", [C3]),
        ("timestamp>2024-06-01T00:30:00;timestamp<=2024-06-01T00:50:00", [C2]),
        ("timestamp>datetime::2024-06-01T01:00:00", [C4]),
        ("metadata.vcpus=8", [C4, C3]),
        ("metadata.vcpus=integer::8;timestamp<2024-06-01T01", [C3]),
        ("resource_metadata.zone=east;user=alice", [C2, C1]),
        ("resource!=vm-2", [C2, C1]),
        ("message_id=c1", [C1]),
        ("volume>2.5", [C4, C3]),
        ("project=nobody", []),
    ],
)
def test_sample_list_takes_every_form_of_condition(
    reader: Ceilometer, query: str, expected: list[list[str]]
) -> None:
    """Both forms of the list understand the conditions that the client writes, empty types too."""
    every = reader.columns("sample-list", "-q", f"meter=cpu;{query}")
    assert expected == every
    assert of_meter(*expected) == reader.columns("sample-list", "-m", "cpu", "-q", query)


def test_sample_show_prints_one_sample(reader: Ceilometer) -> None:
    """Every field that the client knows is there, metadata as flat text."""
    shown = reader.properties("sample-show", "c4")
    assert shown.pop("recorded_at")
    expected = {
        "id": "c4",
        "meter": "cpu",
        "volume": "10.0",
        "type": "cumulative",
        "unit": "ns",
        "source": "test",
        "resource_id": "vm-2",
        "user_id": "bob",
        "project_id": "globex",
        "timestamp": "2024-06-01T01:10:00.250000",
        "metadata": '{"flavor.name": "large", "vcpus": "8", "zone": "west"}',
    }
    assert expected == shown


def test_resource_list_shows_resources_and_asks_for_no_links(reader: Ceilometer) -> None:
    """Owner and source; by user, project and newest sample, descending."""
    rows = reader.columns("resource-list", "-l", "2")
    assert [["vm-2", "test", "bob", "globex"], ["x", "test", "alice", "acme"]] == rows
    assert [["GET", "/v2/resources?meter_links=0&limit=2", 200]] == reader.sent
    assert 7 == len(reader.columns("resource-list"))


@pytest.mark.parametrize(
    ("query", "resources"),
    [
        ("metadata.flavor.name=small", ["vm-1"]),
        ("resource_metadata.vcpus=integer::8;project=globex", ["vm-2"]),
        ("metadata.vcpus=string::8", []),
        ("timestamp>=2024-06-01T01:00;timestamp<2024-06-01T12:00", ["vm-2"]),
        ("resource=größe-盘", ["größe-盘"]),
    ],
)
def test_resource_list_takes_conditions_on_metadata_and_time(
    reader: Ceilometer, query: str, resources: list[str]
) -> None:
    """Typed and untyped values; a window in time."""
    rows = reader.rows("resource-list", "-q", query)
    assert resources == [row["Resource ID"] for row in rows]


@pytest.mark.parametrize(
    ("asked", "sent", "shown"),
    [
        ("vm-1", "vm-1", "vm-1"),
        ("a disk", "a%20disk", "a disk"),
        ("größe-盘", "gr%C3%B6%C3%9Fe-%E7%9B%98", "größe-盘"),
        ("50%+1", "50%25+1", "50%+1"),
        ("net/eth0", "net/eth0", "net/eth0"),
        ("net%2Feth0", "net%2Feth0", "net/eth0"),
        ("net%252Feth0", "net%252Feth0", "net/eth0"),
        ("x#1", "x", "x"),
    ],
)
def test_resource_show_finds_ids_of_any_form(
    reader: Ceilometer, asked: str, sent: str, shown: str
) -> None:
    """The client pastes the id into the URL: a slash stays one, and what follows # gets lost."""
    assert shown == reader.properties("resource-show", asked)["resource_id"]
    assert [["GET", f"/v2/resources/{sent}", 200]] == reader.sent


def test_resource_show_prints_owner_and_metadata(reader: Ceilometer) -> None:
    """As the newest sample describes the resource."""
    expected = {
        "resource_id": "vm-1",
        "source": "test",
        "user_id": "alice",
        "project_id": "acme",
        "metadata": '{"flavor.name": "small", "vcpus": "2", "zone": "east"}',
    }
    assert expected == reader.properties("resource-show", "vm-1")


def test_statistics_of_a_meter_are_one_row(reader: Ceilometer) -> None:
    """The five figures and the duration, over all samples."""
    expected = {
        "Period": "0",
        "Period Start": "2024-06-01T00:00:00",
        "Period End": "2024-06-01T01:10:00.250000",
        "Max": "10.0",
        "Min": "1.0",
        "Avg": "4.375",
        "Sum": "17.5",
        "Count": "4",
        "Duration": "4200.25",
        "Duration Start": "2024-06-01T00:00:00",
        "Duration End": "2024-06-01T01:10:00.250000",
    }
    assert [expected] == reader.rows("statistics", "-m", "cpu")


def test_statistics_by_period_and_two_groups(reader: Ceilometer) -> None:
    """A row for each hour and group that has samples."""
    command = ["statistics", "-m", "cpu", "-p", "3600", "-g", "resource_id", "-g", "project_id"]
    rows = reader.rows(*command)
    names = ("Period", "Period Start", "Period End", "Group By", "Sum", "Count")
    midnight, one, two = (f"2024-06-01T0{hour}:00:00" for hour in range(3))
    acme = "{'resource_id': 'vm-1', 'project_id': 'acme'}"
    globex = "{'resource_id': 'vm-2', 'project_id': 'globex'}"
    expected = [
        ["3600", midnight, one, acme, "3.5", "2"],
        ["3600", midnight, one, globex, "4.0", "1"],
        ["3600", one, two, globex, "10.0", "1"],
    ]
    assert expected == [[row[name] for name in names] for row in rows]


def test_statistics_by_metadata(reader: Ceilometer) -> None:
    """The text of a value names its group."""
    rows = reader.rows("statistics", "-m", "cpu", "-g", "resource_metadata.flavor.name")
    expected = [
        ("{'resource_metadata.flavor.name': 'large'}", "14.0"),
        ("{'resource_metadata.flavor.name': 'small'}", "3.5"),
    ]
    assert expected == sorted((row["Group By"], row["Sum"]) for row in rows)


def test_statistics_with_chosen_aggregates(reader: Ceilometer) -> None:
    """The client moves those with a parameter to the front; each figure lands in its column."""
    chosen = ["max", "cardinality<-resource_id", "avg", "cardinality<-user_id", "count", "stddev"]
    options = [part for one in chosen for part in ("-a", one)]
    query = ["-q", "timestamp>=2024-06-01T00:00:00;timestamp<2024-06-01T01:00:00"]
    (row,) = reader.rows("statistics", "-m", "cpu", *query, *options)
    assert "2024-06-01T00:00:00" == row["Period Start"]
    figures = {
        "Max": "4.0",
        "cardinality/resource_id": "2.0",
        "Avg": "2.5",
        "cardinality/user_id": "2.0",
        "Count": "3.0",
        "Standard deviation": "1.224744871391589",
    }
    assert figures == {name: row[name] for name in figures}
    assert "Sum" not in row


def test_statistics_are_exact(reader: Ceilometer) -> None:
    """0.1 and 0.2 make 0.3, in the client's output too."""
    (row,) = reader.rows("statistics", "-m", "disk.size", "-q", "metadata.none=None")
    assert ["150.3", "0.1", "60.0", "5"] == [row[name] for name in ("Sum", "Min", "Max", "Count")]
    (row,) = reader.rows("statistics", "-m", "disk.size", "-q", "volume<1")
    assert "0.3" == row["Sum"]


def test_statistics_of_nothing_are_an_empty_table(reader: Ceilometer) -> None:
    """An unknown meter is no error."""
    assert [] == reader.columns("statistics", "-m", "nothing")


def test_query_samples_sends_filter_order_and_limit_as_text(reader: Ceilometer) -> None:
    """The samples in the order that was asked for, cut after it."""
    filter_ = '{"and": [{"=": {"meter": "cpu"}}, {"not": {"=": {"volume": 1}}}]}'
    order = '[{"resource_id": "desc"}, {"volume": "ASC"}]'
    rows = reader.columns("query-samples", "-f", filter_, "-o", order, "-l", "2")
    assert [C3, C4] == rows
    assert [["POST", "/v2/query/samples", 200]] == reader.sent


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [
        ('{"=": {"metadata.flavor.name": "small"}}', [C2, C1]),
        ('{"in": {"message_id": ["c1", "c3"]}}', [C3, C1]),
        ('{"=~": {"resource_id": "^vm-2$"}}', [C4, C3]),
        ('{"AND": [{">": {"timestamp": "2024-06-01T00:30:00"}}, {"=": {"user": "bob"}}]}', [C4]),
        ('{"or": [{"<": {"counter_volume": 2}}, {">=": {"counter_volume": 60.5}}]}', [C1]),
        ('{"=": {"project_id": "nobody"}}', []),
    ],
)
def test_query_samples_understands_each_operator(
    reader: Ceilometer, filter_: str, expected: list[list[str]]
) -> None:
    """Newest first, where no order is asked for."""
    both = f'{{"and": [{{"=": {{"meter": "cpu"}}}}, {filter_}]}}'
    assert expected == reader.columns("query-samples", "--filter", both)


def test_capabilities_are_printed(reader: Ceilometer) -> None:
    """An object of objects of booleans, each on a line."""
    shown = reader.properties("capabilities")
    assert {"api", "storage"} == set(shown)
    assert '"storage:production_ready": true' == shown["storage"]
    assert '"statistics:aggregation:selectable:cardinality": true,' in shown["api"]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (["sample-list", "-l", "0"], "Limit must be positive (HTTP 400)"),
        (["sample-list", "-q", "colour=red"], 'Unknown argument: "colour"'),
        (["meter-list", "-q", "timestamp>2024-06-01"], 'Unknown argument: "timestamp"'),
        (["sample-list", "-q", "timestamp>yesterday"], "yesterday"),
        (["sample-list", "-q", "metadata.a=integer::x"], "Unable to convert the value x"),
        (["statistics", "-m", "cpu", "-a", "median"], "Invalid aggregation function: median"),
        (["statistics", "-m", "cpu", "-a", "cardinality"], "Bad aggregate: cardinality.None"),
        (["statistics", "-m", "cpu", "-p", "-1"], "Period must be positive."),
        (["statistics", "-m", "cpu", "-g", "colour"], "Invalid groupby fields"),
        (["query-samples", "-f", '{"=": {"meter": "cpu"'], "Filter expression not valid"),
        (["query-samples", "-o", '[{"volume": "up"}]'], "Order-by expression not valid"),
        (["sample-show", "nothing"], "Sample not found: nothing"),
        (["resource-show", "nothing"], "Resource not found: nothing"),
    ],
)
def test_errors_are_printed_in_words(reader: Ceilometer, command: list[str], text: str) -> None:
    """The client prints what the service says is wrong, not only a status."""
    answer = reader.run(*command)
    assert 1 == answer["code"]
    assert text in answer["error"].encode().decode("unicode_escape")


@pytest.mark.parametrize("command", ["alarm-list", "event-list", "event-type-list"])
def test_what_other_services_had_is_an_error_in_words(reader: Ceilometer, command: str) -> None:
    """Alarms and events are not here; the client says so and does not break."""
    answer = reader.run(command)
    assert 1 == answer["code"]
    ((_, _, status),) = reader.sent
    assert status in (404, 410)
    assert f"(HTTP {status})" in answer["error"]
