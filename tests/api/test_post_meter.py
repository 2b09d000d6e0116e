"""POST /v2/meters/{meter}: all or nothing, in v2's way."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from api.client import Client, assert_fault, keep, kept, parsed, v2_sample

from metering import times
from metering.storage.base import Storage

PATH = "/v2/meters/cpu"


def recorded(response: Any) -> list[dict[str, Any]]:
    """What was answered to a POST that must succeed."""
    assert 201 == response.status_int, response.text
    rows: list[dict[str, Any]] = response.json
    return rows


def test_answer_is_the_list_as_accepted(client: Client, storage: Storage) -> None:
    """The answer has what was sent, completed, in v2's fields and order."""
    (row,) = recorded(client.post(PATH, [v2_sample(user_id="u-1")]))

    (sample,) = kept(storage)
    expected = {
        "source": "p-1:openstack",
        "counter_name": "cpu",
        "counter_type": "gauge",
        "counter_unit": "core",
        "counter_volume": 1,
        "user_id": "u-1",
        "project_id": "p-1",
        "resource_id": "vm-1",
        "timestamp": "2015-06-01T12:00:00",
        "recorded_at": row["recorded_at"],
        "resource_metadata": {},
        "message_id": sample.id,
    }
    assert (expected, list(expected)) == (row, list(row))


def test_answer_has_the_order_of_the_body(client: Client) -> None:
    """Rows are answered in the order in which they were sent."""
    samples = [v2_sample(resource_id=name) for name in "cab"]

    assert ["c", "a", "b"] == [row["resource_id"] for row in recorded(client.post(PATH, samples))]


def test_answered_id_leads_to_the_sample(client: Client) -> None:
    """What was answered can be read at once."""
    (row,) = recorded(client.post(PATH, [v2_sample()]))

    assert row["message_id"] == client.rows(f"/v2/samples/{row['message_id']}")["id"]


@pytest.mark.parametrize("path", [PATH, "/v2/samples"])
def test_an_empty_id_is_none(client: Client, storage: Storage, path: str) -> None:
    """As in v2, which looked whether there was one: each sample gets its own."""
    response = client.post(
        path, [v2_sample(message_id=""), v2_sample(message_id="", counter_unit="B")]
    )

    assert 201 == response.status_int, response.text
    assert 2 == len({sample.id for sample in kept(storage)} - {""})


@pytest.mark.parametrize("direct", ["", "?direct=true", "?direct=0"])
def test_direct_changes_nothing(client: Client, storage: Storage, direct: str) -> None:
    """With `direct` or without, every POST is kept when it is answered."""
    recorded(client.post(f"{PATH}{direct}", [v2_sample()]))

    assert 1 == len(kept(storage))


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        pytest.param({"a.b.c": "1", "d": None}, {"a.b.c": "1", "d": None}, id="one layer of text"),
        pytest.param({"a": {"b": {"c": 1}}}, {"a.b:c": "1"}, id="nested"),
        pytest.param({}, {}, id="none"),
    ],
)
def test_answered_metadata(
    client: Client, metadata: dict[str, object], expected: dict[str, object]
) -> None:
    """Metadata as v2 accepted them are answered as sent; what it refused, flattened."""
    (row,) = recorded(client.post(PATH, [v2_sample(resource_metadata=metadata)]))

    assert expected == row["resource_metadata"]


@pytest.mark.parametrize(
    ("volume", "answered"),
    [
        ("0.1", "0.1"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("1000", "1000.0"),
        ("2e3", "2000.0"),
        ("-7", "-7.0"),
        ("0", "0.0"),
        ("9" * 27, "9" * 27 + ".0"),
        ("1e-27", "1E-27"),
    ],
)
def test_answered_volume_is_exact(client: Client, volume: str, answered: str) -> None:
    """The number comes back to the last digit, as in v2 with a fraction; in lists too."""
    body = json.dumps([v2_sample(counter_volume="@")]).replace('"@"', volume)

    assert f'"counter_volume":{answered},' in client.post(PATH, body).text
    assert f'"counter_volume":{answered},' in client.get(PATH).text
    assert f'"volume":{answered},' in client.get("/v2/samples").text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"counter_name": "cars"}, "should be cpu", id="another meter"),
        pytest.param({"counter_name": None}, "Mandatory field missing", id="no name"),
        pytest.param({"counter_type": "x"}, "The counter type must be: gauge", id="type"),
        pytest.param({"counter_volume": None}, "counter_volume", id="no volume"),
        pytest.param({"bogus": 1}, "Unknown attribute for argument samples: bogus", id="unknown"),
        pytest.param({"name": "cpu"}, "name", id="the agents' shape"),
    ],
)
def test_words_of_version_two(client: Client, changes: dict[str, object], words: str) -> None:
    """Faults have the words that clients of v2 know."""
    assert_fault(client.post(PATH, [v2_sample(**changes)]), 400, words)


def test_every_invalid_sample_is_named(client: Client, storage: Storage) -> None:
    """If any is invalid nothing is stored, and every one is named with its place."""
    samples = [
        v2_sample(),
        v2_sample(counter_volume="x"),
        v2_sample(),
        v2_sample(resource_id=None),
        v2_sample(timestamp="x"),
    ]

    response = client.post(PATH, samples)

    assert_fault(response, 400, "resource_id")
    assert ["1", "3", "4"] == re.findall(r"\(sample (\d)\)", response.text)
    assert [] == kept(storage)


def test_conflict_stores_nothing(client: Client, storage: Storage) -> None:
    """If any is in conflict nothing is stored, and it is named."""
    keep(storage, {"id": "x", "source": "p-1:openstack", "volume": 5})
    before = kept(storage)

    response = client.post(PATH, [v2_sample(message_id="y"), v2_sample(message_id="x")])

    assert_fault(response, 409, "id x already holds another sample (sample 1)")
    assert before == kept(storage)


def test_duplicates_are_well(client: Client, storage: Storage) -> None:
    """The same again is answered like the first time, with what is kept."""
    samples = [v2_sample(message_id="x", timestamp=None), v2_sample(message_id="y")]

    first, again = (recorded(client.post(PATH, samples)) for _ in range(2))

    assert (first, 2) == (again, len(kept(storage)))


def test_conflict_inside_a_body(client: Client, storage: Storage) -> None:
    """An id that comes twice with different volumes is a conflict with itself."""
    samples = [v2_sample(message_id="x", counter_volume=volume) for volume in (1, 2)]

    assert_fault(client.post(PATH, samples), 409, "id x")
    assert [] == kept(storage)


def test_idempotency_key(client: Client, storage: Storage) -> None:
    """With a key a retry has the same ids."""
    headers = {"Idempotency-Key": "abc"}
    samples = [v2_sample(timestamp=None), v2_sample()]

    first, again = (recorded(client.post(PATH, samples, headers=headers)) for _ in range(2))

    assert (first, 2) == (again, len(kept(storage)))


@pytest.mark.parametrize(
    ("roles", "changes", "expected"),
    [
        pytest.param("member", {}, "p-1:openstack", id="member"),
        pytest.param("admin", {}, "p-1:openstack", id="administrator"),
        pytest.param("admin", {"project_id": "p-2", "source": "s"}, "p-2:s", id="for another"),
    ],
)
def test_source_begins_with_the_project(
    proxied: Client, roles: str, changes: dict[str, object], expected: str
) -> None:
    """Here the source has the project in front for everybody, as v2 did."""
    caller = proxied.acting(project="p-1", roles=roles)

    (row,) = recorded(caller.post(PATH, [v2_sample(**changes)]))

    assert expected == row["source"]


def test_source_without_a_project(client: Client) -> None:
    """Without a project the text is None, as in v2."""
    (row,) = recorded(client.post(PATH, [v2_sample(project_id=None)]))

    assert "None:openstack" == row["source"]


def test_sample_for_another_project(member: Client, storage: Storage) -> None:
    """A member may not write for another project: 400, and nothing is stored."""
    response = member.post(PATH, [v2_sample(), v2_sample(project_id="p-2")])

    assert_fault(response, 400, "can not post samples to other projects")
    assert [] == kept(storage)


def test_user_may_be_another(member: Client) -> None:
    """The user of a sample is not checked, as in v2."""
    (row,) = recorded(member.post(PATH, [v2_sample(user_id="u-2")]))

    assert "u-2" == row["user_id"]


def test_too_many_samples(serve: Callable[..., Client], storage: Storage) -> None:
    """More samples than max_samples are 413, and none is stored."""
    assert_fault(serve(max_samples=2).post(PATH, [v2_sample()] * 3), 413, "at most 2 samples")
    assert [] == kept(storage)


@pytest.mark.parametrize("body", [json.dumps(v2_sample()), '"x"', "1", "true"])
def test_what_is_no_list(client: Client, body: str) -> None:
    """Only an array is taken here, as in v2."""
    assert_fault(client.post(PATH, body), 400, "Value not a valid list")


def test_echo_as_xml(client: Client) -> None:
    """The echo is answered in XML to who asks for it."""
    response = client.post(PATH, [v2_sample()], headers={"Accept": "text/xml"})

    assert (201, "text/xml") == (response.status_int, response.content_type)
    assert "cpu" == parsed(response).findtext("item/counter_name")


def test_batch_of_collectd(client: Client, storage: Storage) -> None:
    """The plugin's timestamps are those of C's asctime, in UTC."""
    batch = [
        {
            "counter_name": "cpu",
            "counter_type": "gauge",
            "counter_unit": "vmpage_action",
            "counter_volume": volume,
            "timestamp": timestamp,
            "resource_metadata": {},
            "source": "collectd",
            "resource_id": "localhost-node0",
        }
        for volume, timestamp in [
            (21383.0, "Thu Sep 24 11:01:34 2015"),
            (21384.0, "Sun Oct  4 11:01:34 2015"),
        ]
    ]

    rows = recorded(client.post(PATH, batch))

    expected = ["2015-09-24T11:01:34", "2015-10-04T11:01:34"]
    assert expected == [row["timestamp"] for row in rows]
    assert expected == sorted(times.write_naive(one.timestamp) for one in kept(storage))
