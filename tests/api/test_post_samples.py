"""POST /v2/samples: a verdict on each sample."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from api.client import NDJSON, Client, agent_sample, assert_fault, keep, kept, parsed, v2_sample
from builders import after_noon

from metering.metadata import Metadata
from metering.model import MeterType
from metering.retention import Horizons
from metering.storage.base import Storage

PATH = "/v2/samples"
WELL = {"accepted": 1, "duplicates": 0, "rejected": [], "conflicts": []}


def lines(*samples: dict[str, Any]) -> str:
    """The samples as NDJSON."""
    return "".join(json.dumps(one) + "\n" for one in samples)


def counts(response: Any) -> tuple[int, int, int, int, int]:
    """The status, and how many samples were accepted, duplicates, rejected and in conflict."""
    told = response.json
    return (
        response.status_int,
        told["accepted"],
        told["duplicates"],
        len(told["rejected"]),
        len(told["conflicts"]),
    )


BODIES = {
    "array of v2": (json.dumps([v2_sample()]), "application/json"),
    "one of v2": (json.dumps(v2_sample()), "application/json"),
    "lines of v2": (lines(v2_sample()), NDJSON),
    "array of an agent": (json.dumps([agent_sample()]), "application/json"),
    "one of an agent": (json.dumps(agent_sample()), "application/json"),
    "lines of an agent": (lines(agent_sample()), NDJSON),
    "line without an end": (json.dumps(v2_sample()), NDJSON),
    "blank lines": (f"\n\r\n{lines(v2_sample())}\n", NDJSON),
    "blanks around": (f" \n {json.dumps(v2_sample())} \n", "application/json"),
    "charset": (json.dumps(v2_sample()), "application/json; charset=utf-8"),
}


@pytest.mark.parametrize(("body", "media"), BODIES.values(), ids=BODIES)
def test_forms_of_a_body(client: Client, storage: Storage, body: str, media: str) -> None:
    """One sample is accepted in either shape, alone, in an array, or as a line."""
    response = client.post(PATH, body, content_type=media)

    assert (201, WELL, 1) == (response.status_int, response.json, len(kept(storage)))


@pytest.mark.parametrize("path", [PATH, "/v2/meters/cpu", "/v2/query/samples"])
@pytest.mark.parametrize("body", ["[{}]", json.dumps([v2_sample()] * 1000), "direct=1"])
def test_a_body_that_is_called_a_form(client: Client, path: str, body: str) -> None:
    """As curl calls it unless it is told otherwise: the answer says what is wanted."""
    form = "application/x-www-form-urlencoded"
    response = client.post(path, body, content_type=form)

    assert_fault(response, 400, f"sent as {form}; its Content-Type must be application/json")


def test_a_body_of_no_type(client: Client) -> None:
    """What is wanted is named."""
    response = client.post(PATH, "[{}]", content_type=None)

    assert_fault(response, 415, "wanted: application/json or application/x-ndjson")


@pytest.mark.parametrize("form", ["array", "lines"])
def test_shapes_may_be_mixed(client: Client, storage: Storage, form: str) -> None:
    """A body may have samples of both shapes."""
    samples = [v2_sample(counter_name="a"), agent_sample(name="b")]
    body, media = (samples, "application/json") if form == "array" else (lines(*samples), NDJSON)

    assert (201, 2, 0, 0, 0) == counts(client.post(PATH, body, content_type=media))
    assert {"a", "b"} == {sample.series.meter for sample in kept(storage)}


def test_every_field_of_version_two(client: Client, storage: Storage) -> None:
    """Each field that v2 names is stored."""
    client.post(
        PATH,
        v2_sample(
            counter_name="disk",
            counter_type="delta",
            counter_unit="GB",
            counter_volume=2,
            resource_id="r",
            project_id="p",
            user_id="u",
            source="s",
            message_id="i",
            timestamp="2015-06-01T12:00:01.5Z",
            recorded_at="2000-01-01",
            resource_metadata={"a": {"b": [1, None]}},
        ),
    )

    (sample,) = kept(storage)
    series = sample.series
    assert ("disk", MeterType.DELTA, "GB", 2, "r", "p", "u", "s", "i", after_noon(1.5)) == (
        series.meter,
        series.type,
        series.unit,
        sample.volume,
        series.resource_id,
        series.project_id,
        series.user_id,
        series.source,
        sample.id,
        sample.timestamp,
    )
    assert Metadata.of({"a": {"b": [1, None]}}) == series.metadata
    assert sample.recorded_at.year > 2000


def test_every_field_of_an_agent(client: Client, storage: Storage) -> None:
    """Each field that agents send is stored; those that nobody knows are ignored."""
    client.post(PATH, agent_sample(user_id="u", message_signature="x"))

    (sample,) = kept(storage)
    assert ("cpu", "p-1", "u", "openstack", "a-1", after_noon(0)) == (
        sample.series.meter,
        sample.series.project_id,
        sample.series.user_id,
        sample.series.source,
        sample.id,
        sample.timestamp,
    )
    assert Metadata.of({"host": "h-1"}) == sample.series.metadata


@pytest.mark.parametrize(
    "key",
    [
        "message_id",
        "counter_name",
        "counter_type",
        "counter_unit",
        "counter_volume",
        "meter",
        "metadata",
        "project",
        "tenant_id",
        "resource",
        "user",
    ],
)
@pytest.mark.parametrize("form", ["array", "lines"])
def test_keys_of_the_other_shape(client: Client, storage: Storage, form: str, key: str) -> None:
    """A key of v2's beside `name` is refused: a retry without its id would count twice."""
    samples = [agent_sample(id=None, **{key: "1"}), agent_sample()]
    body, media = (samples, "application/json") if form == "array" else (lines(*samples), NDJSON)
    response = client.post(PATH, body, content_type=media)

    assert (207, 1, 1) == (response.status_int, response.json["accepted"], len(kept(storage)))
    (rejected,) = response.json["rejected"]
    assert "invalid_sample" == rejected["code"]
    # Of two names it is the first's shape that is meant.
    refused = "name" if key == "counter_name" else key
    assert (0, refused) == (rejected["index"], rejected["field"])
    assert f"Unknown attribute for argument samples: {refused}" in rejected["message"]


def test_what_may_be_left_out(client: Client, storage: Storage) -> None:
    """Without them there is no owner, the source is openstack, the time is now."""
    client.post(PATH, v2_sample(project_id=None, timestamp=None))

    (sample,) = kept(storage)
    assert (None, None, "openstack", Metadata.of({})) == (
        sample.series.project_id,
        sample.series.user_id,
        sample.series.source,
        sample.series.metadata,
    )
    assert sample.timestamp == sample.recorded_at


LITERALS = {
    "1": "1.0",
    "0.1": "0.1",
    "1e3": "1000.0",
    "1E-3": "0.001",
    "-0.0": "0.0",
    "1.50": "1.5",
    "12345678901234567890.123456789": "12345678901234567890.123456789",
    "9007199254740993": "9007199254740993.0",
    "999999999999999999999999999": "999999999999999999999999999.0",
    "1e-27": "1E-27",
    '"7"': "7.0",
    '"1e2"': "100.0",
    '"+.5"': "0.5",
}


@pytest.mark.parametrize(("sent", "expected"), LITERALS.items())
def test_numbers_are_exact(client: Client, sent: str, expected: str) -> None:
    """A number comes back with its value, to the last digit, as a literal with a fraction."""
    body = json.dumps(v2_sample(counter_volume="@")).replace('"@"', sent)
    client.post(PATH, body)

    assert f'"volume":{expected},' in client.get(PATH).text
    assert f'"counter_volume":{expected},' in client.get("/v2/meters/cpu").text
    assert f'"sum":{expected},' in client.get("/v2/meters/cpu/statistics").text


def test_numbers_in_metadata_are_kept(client: Client, storage: Storage) -> None:
    """Numbers in metadata are no floats either."""
    number = "12345678901234567890.10"
    client.post(PATH, json.dumps(v2_sample(resource_metadata={"a": "@"})).replace('"@"', number))

    assert [Decimal(number)] == kept(storage)[0].series.metadata.find("a")


def test_later_of_two_equal_keys_counts(client: Client, storage: Storage) -> None:
    """Of two equal keys in one object the last counts."""
    client.post(PATH, '{"counter_volume": 5, ' + json.dumps(v2_sample())[1:])

    assert [1] == [sample.volume for sample in kept(storage)]


def test_verdict_on_each(client: Client, storage: Storage) -> None:
    """What is well is kept, and all else is told with its place, reason and what is in the way."""
    keep(storage, {"id": "taken"}, {"id": "again", "volume": 5})
    samples = [
        v2_sample(message_id="new"),
        v2_sample(counter_volume=True),
        v2_sample(message_id="taken"),
        v2_sample(message_id="again"),
        v2_sample(counter_type="x"),
    ]
    samples[2]["user_id"] = samples[3]["user_id"] = "u-1"

    response = client.post(PATH, samples)

    assert (207, 1, 1, 2, 1) == counts(response)
    assert [(1, "counter_volume"), (4, "counter_type")] == [
        (one["index"], one["field"]) for one in response.json["rejected"]
    ]
    existing = {"id": "again", "existing": "/v2/samples/again"}
    assert [{"index": 3, "source": "openstack"} | existing] == (response.json["conflicts"])
    assert {"taken", "again", "new"} == {sample.id for sample in kept(storage)}


def test_existing_sample_can_be_looked_up(client: Client, storage: Storage) -> None:
    """A conflict leads to the sample that is kept, whatever its id."""
    keep(storage, {"id": "a/b ü", "volume": 5})

    (conflict,) = client.post(PATH, v2_sample(message_id="a/b ü")).json["conflicts"]

    assert 5 == client.rows(conflict["existing"])["volume"]


def test_same_sample_again_is_a_duplicate(client: Client, storage: Storage) -> None:
    """A retry is well, and changes nothing."""
    first = client.post(PATH, v2_sample(message_id="x"))
    again = client.post(PATH, v2_sample(message_id="x"))

    assert [(201, 1, 0, 0, 0), (201, 0, 1, 0, 0), 1] == [
        counts(first),
        counts(again),
        len(kept(storage)),
    ]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"counter_volume": 1.0}, id="volume written otherwise"),
        pytest.param({"counter_volume": "1"}, id="volume as text"),
        pytest.param({"timestamp": "2015-06-01T14:00:00+02:00"}, id="another zone"),
        pytest.param({"timestamp": None}, id="no timestamp"),
        pytest.param({"project_id": None}, id="no project"),
        pytest.param({"recorded_at": "2015-06-03"}, id="recorded at another time"),
    ],
)
def test_what_was_not_sent_is_not_compared(client: Client, changes: dict[str, object]) -> None:
    """Values are compared, not texts, and only of fields that were sent."""
    client.post(PATH, v2_sample(message_id="x"))

    assert (201, 0, 1, 0, 0) == counts(client.post(PATH, v2_sample(message_id="x") | changes))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"counter_volume": 2}, id="volume"),
        pytest.param({"timestamp": "2015-06-01T12:00:00.001"}, id="a millisecond"),
        pytest.param({"counter_name": "disk"}, id="meter"),
        pytest.param({"counter_type": "delta"}, id="type"),
        pytest.param({"counter_unit": "B"}, id="unit"),
        pytest.param({"resource_id": "vm-2"}, id="resource"),
        pytest.param({"project_id": "p-2"}, id="project"),
        pytest.param({"user_id": "u-2"}, id="user"),
        pytest.param({"resource_metadata": {"a": 1}}, id="metadata"),
    ],
)
def test_another_sample_under_a_taken_key(
    client: Client, storage: Storage, changes: dict[str, object]
) -> None:
    """A field that differs is a conflict, and nothing changes."""
    client.post(PATH, v2_sample(message_id="x", user_id="u-1", resource_metadata={"a": "1"}))
    before = kept(storage)

    response = client.post(PATH, v2_sample(message_id="x", user_id="u-1") | changes)

    assert ((207, 0, 0, 0, 1), before) == (counts(response), kept(storage))


def test_sources_have_their_own_ids(client: Client, storage: Storage) -> None:
    """One id under two sources is two samples."""
    samples = [v2_sample(message_id="x", source=source) for source in ("a", "b")]

    assert (201, 2, 0, 0, 0) == counts(client.post(PATH, samples))


def test_id_repeated_inside_a_body(client: Client, storage: Storage) -> None:
    """Inside one body an id counts as if the samples came one after the other."""
    samples = [v2_sample(message_id="x", counter_volume=volume) for volume in (1, 1, 2)]

    response = client.post(PATH, samples)

    assert (207, 1, 1, 0, 1) == counts(response)
    assert [2] == [one["index"] for one in response.json["conflicts"]]


def test_no_id_makes_a_new_sample_each_time(client: Client, storage: Storage) -> None:
    """Without an id and a key, a request is not safe to repeat."""
    for _ in range(2):
        client.post(PATH, [v2_sample(), v2_sample()])

    assert 4 == len({sample.id for sample in kept(storage)})


def test_idempotency_key_makes_a_retry_safe(client: Client, storage: Storage) -> None:
    """With a key the ids are made from it, so a retry counts once."""
    samples = [v2_sample(timestamp=None), v2_sample(timestamp=None)]
    headers = {"Idempotency-Key": "abc"}

    told = [counts(client.post(PATH, samples, headers=headers)) for _ in range(3)]

    assert [(201, 2, 0, 0, 0), (201, 0, 2, 0, 0), (201, 0, 2, 0, 0)] == told
    assert 2 == len(kept(storage))


def test_idempotency_key_with_another_body(client: Client) -> None:
    """A key that comes again with other samples is a conflict."""
    headers = {"Idempotency-Key": "abc"}
    client.post(PATH, v2_sample(), headers=headers)

    response = client.post(PATH, v2_sample(counter_volume=2), headers=headers)

    assert (207, 0, 0, 0, 1) == counts(response)


def test_empty_idempotency_key_is_none(client: Client, storage: Storage) -> None:
    """An empty header makes no two requests the same."""
    for _ in range(2):
        client.post(PATH, v2_sample(), headers={"Idempotency-Key": ""})

    assert 2 == len(kept(storage))


def test_idempotency_keys_are_of_a_project(proxied: Client, storage: Storage) -> None:
    """Two projects may use one key."""
    for project in ("p-1", "p-2"):
        caller = proxied.acting(project=project)
        sample = v2_sample(project_id=project)
        caller.post(PATH, sample, headers={"Idempotency-Key": "abc"})

    assert 2 == len({sample.id for sample in kept(storage)})


def test_idempotency_key_leaves_sent_ids_alone(client: Client, storage: Storage) -> None:
    """An id that was sent is kept beside a key."""
    client.post(PATH, v2_sample(message_id="x"), headers={"Idempotency-Key": "abc"})

    assert ["x"] == [sample.id for sample in kept(storage)]


@pytest.mark.parametrize(
    ("project", "source", "expected"),
    [
        ("p-1", None, "p-1:openstack"),
        ("p-1", "mine", "p-1:mine"),
        ("p-1", "p-2:openstack", "p-1:p-2:openstack"),
        ("a:b", "c", "a%3Ab:c"),
        ("a%3Ab", "c", "a%253Ab:c"),
    ],
)
def test_source_of_a_member_begins_with_the_project(
    proxied: Client, storage: Storage, project: str, source: str | None, expected: str
) -> None:
    """No member can take a key of another project."""
    proxied.acting(project=project).post(PATH, v2_sample(project_id=None, source=source))

    assert [expected] == [sample.series.source for sample in kept(storage)]


def test_source_of_an_administrator_is_kept(proxied: Client, storage: Storage) -> None:
    """An administrator's source is stored as given."""
    proxied.acting(project="p-1", roles="admin").post(PATH, v2_sample(source="s"))

    assert ["s"] == [sample.series.source for sample in kept(storage)]


def test_owner_of_a_members_sample(member: Client, storage: Storage) -> None:
    """Project and user default to those of the caller."""
    member.post(PATH, v2_sample(project_id=None))

    (sample,) = kept(storage)
    assert ("p-1", "u-1") == (sample.series.project_id, sample.series.user_id)


def test_sample_for_another_project(member: Client, storage: Storage) -> None:
    """A member's sample for another project is rejected alone."""
    response = member.post(PATH, [v2_sample(), v2_sample(project_id="p-2")])

    assert (207, 1, 0, 1, 0) == counts(response)
    (rejection,) = response.json["rejected"]
    assert (1, "project_id") == (rejection["index"], rejection["field"])
    assert "can not post samples to other projects" in rejection["message"]


def test_administrator_writes_for_any_project(proxied: Client, storage: Storage) -> None:
    """An administrator may write for others."""
    proxied.acting(project="p-1", roles="admin").post(PATH, v2_sample(project_id="p-2"))

    assert ["p-2"] == [sample.series.project_id for sample in kept(storage)]


def test_too_many_samples(serve: Callable[..., Client], storage: Storage) -> None:
    """More samples than max_samples are 413, and none is stored."""
    client = serve(max_samples=2)

    assert_fault(client.post(PATH, [v2_sample()] * 3), 413, "at most 2 samples")
    assert_fault(client.post(PATH, lines(*[v2_sample()] * 3), content_type=NDJSON), 413)
    assert [] == kept(storage)


def test_as_many_samples_as_allowed(serve: Callable[..., Client]) -> None:
    """Exactly max_samples are accepted."""
    assert 201 == serve(max_samples=2).post(PATH, [v2_sample()] * 2).status_int


@pytest.mark.parametrize(("limit", "status"), [(-1, 413), (0, 201), (1, 201)])
def test_largest_body(serve: Callable[..., Client], limit: int, status: int) -> None:
    """A body of max_body_bytes is taken, one byte more is not."""
    body = json.dumps(v2_sample())

    assert status == serve(max_body_bytes=len(body) + limit).post(PATH, body).status_int


def test_too_large_body_names_the_limit(serve: Callable[..., Client]) -> None:
    """The error says how large a body may be."""
    assert_fault(serve(max_body_bytes=10).post(PATH, v2_sample()), 413, "10 bytes")


def test_what_has_expired_is_rejected(client: Client, storage: Storage) -> None:
    """A sample from before the retention horizon is refused with a code of its own."""
    storage.retire(Horizons(after_noon(0)))
    old = v2_sample(message_id="old", timestamp="2015-06-01T11:59:59")
    response = client.post(PATH, [v2_sample(message_id="new"), old])

    assert response.status_int == 207
    (refused,) = response.json["rejected"]
    assert (1, "expired", "timestamp") == (refused["index"], refused["code"], refused["field"])
    assert ["new"] == [one.id for one in kept(storage)]
    assert_fault(client.post("/v2/meters/cpu", [old]), 400, "before the retention horizon")


def test_metadata_are_nested_and_typed(client: Client) -> None:
    """Metadata of any JSON kind are kept, empty keys too."""
    tree = {"": {"": 0}, "a": [1, {"b": None}], "t": True, "$x": {"y.z": "1"}}
    client.post(PATH, v2_sample(resource_metadata=tree))

    assert {".": "0", "a": "[1, {'b': None}]", "t": "True", "$x.y:z": "1"} == (
        client.rows(PATH)[0]["metadata"]
    )


def test_verdicts_as_xml(client: Client) -> None:
    """The verdicts are answered in XML to who asks for it."""
    response = client.post(PATH, [{"counter_name": 1}], headers={"Accept": "application/xml"})

    assert (207, "application/xml") == (response.status_int, response.content_type)
    assert ("0", "counter_name") == (
        parsed(response).findtext("accepted"),
        parsed(response).findtext("rejected/item/field"),
    )


def test_metadata_may_be_escaped(client: Client) -> None:
    """Characters written as escapes count as what they are."""
    text = json.dumps([v2_sample(resource_metadata={"a": "ж" * 6_000})])

    assert 201 == client.post("/v2/samples", text).status_int
