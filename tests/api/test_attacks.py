"""Hostile and broken samples: an exact status, the one shape of errors, and an unchanged store."""

import json

import pytest
from api.client import NDJSON, Client, agent_sample, assert_fault, kept, v2_sample
from api.hostile import BAD_TIMES, DEEP, STATISTICS, SURROGATE, nested

from metering.storage.base import Storage

SAMPLES, METER = "/v2/samples", "/v2/meters/cpu"


def literal(field: str, text: str) -> str:
    """A sample in which the field has this JSON literal."""
    return json.dumps(v2_sample(**{field: "@"})).replace('"@"', text)


def listed(field: str, text: str) -> str:
    """A body of one such sample."""
    return f"[{literal(field, text)}]"


NOT_JSON = {
    "garbage": "{[",
    "text": '"cpu"',
    "number": "1",
    "boolean": "true",
    "truncated": json.dumps([v2_sample()])[:-1],
    "more after the end": json.dumps([v2_sample()]) + " x",
    "two arrays": "[][]",
    "two objects": json.dumps(v2_sample()) + "," + json.dumps(v2_sample()),
    "comma at the end": "[" + json.dumps(v2_sample()) + ",]",
    "single quotes": "[{'counter_name': 'cpu'}]",
    "leading zero": listed("counter_volume", "01"),
    "plus sign": listed("counter_volume", "+1"),
    "hexadecimal": listed("counter_volume", "0x10"),
    "lone surrogate": listed("resource_id", SURROGATE),
    "lone surrogate in metadata": listed("resource_metadata", '{"a": ' + SURROGATE + "}"),
    "lone surrogate as key": listed("resource_metadata", "{" + SURROGATE + ": 1}"),
    "raw control character": listed("resource_id", '"a\nb"'),
    "deep arrays": nested("[", "]"),
    "deep objects": nested('{"a":', "}"),
    "deep metadata": listed("resource_metadata", nested('{"a":', "}")),
    "deep lists in metadata": listed("resource_metadata", nested("[", "]")),
    "deep volume": listed("counter_volume", nested("[", "]")),
    "deep unknown key": listed("bogus", nested("[", "]")),
    "never closed": "[" * DEEP,
    "not UTF-8": b'["\xff"]',
    "encoded surrogate": b'[{"resource_id": "\xed\xa0\x80"}]',
    "byte order mark": b"\xef\xbb\xbf[]",
    "UTF-16": json.dumps([v2_sample()]).encode("utf-16"),
}

NO_SAMPLES = {"nothing": "", "blanks": " \n ", "null": "null", "empty array": "[]"}

BAD_SAMPLES = {
    "null": ("null", None),
    "number": ("1", None),
    "list": ("[]", None),
    "empty": ("{}", "counter_name"),
    "unknown key": (literal("bogus", "1"), "bogus"),
    "both shapes in one": (literal("name", '"cpu"'), "name"),
    "volume 1e400": (literal("counter_volume", "1e400"), "counter_volume"),
    "volume 1e999999999": (literal("counter_volume", "1e999999999"), "counter_volume"),
    "volume 1e-999999999": (literal("counter_volume", "1e-999999999"), "counter_volume"),
    "volume 10^400": (literal("counter_volume", "1" + "0" * 400), "counter_volume"),
    "volume 1e27": (literal("counter_volume", "1e27"), "counter_volume"),
    "volume of 28 places": (literal("counter_volume", "0." + "0" * 27 + "1"), "counter_volume"),
    "volume of 35 digits": (literal("counter_volume", "1" * 26 + ".123456789"), "counter_volume"),
    "volume NaN": (literal("counter_volume", "NaN"), "counter_volume"),
    "volume Infinity": (literal("counter_volume", "Infinity"), "counter_volume"),
    "volume minus Infinity": (literal("counter_volume", "-Infinity"), "counter_volume"),
    "NaN as a name": (literal("counter_name", "NaN"), "counter_name"),
    "NaN in metadata": (literal("resource_metadata", '{"a": NaN}'), "resource_metadata"),
    "volume true": (literal("counter_volume", "true"), "counter_volume"),
    "volume false": (literal("counter_volume", "false"), "counter_volume"),
    "volume null": (literal("counter_volume", "null"), "counter_volume"),
    "volume list": (literal("counter_volume", "[1]"), "counter_volume"),
    "volume object": (literal("counter_volume", "{}"), "counter_volume"),
    "volume nan text": (literal("counter_volume", '"nan"'), "counter_volume"),
    "volume inf text": (literal("counter_volume", '"-inf"'), "counter_volume"),
    "volume empty text": (literal("counter_volume", '""'), "counter_volume"),
    "volume with underscore": (literal("counter_volume", '"1_000"'), "counter_volume"),
    "volume with blanks": (literal("counter_volume", '" 1 "'), "counter_volume"),
    "volume in full width": (literal("counter_volume", '"\uff11"'), "counter_volume"),
    "volume in hexadecimal text": (literal("counter_volume", '"0x10"'), "counter_volume"),
    "type unknown": (literal("counter_type", '"odometer"'), "counter_type"),
    "type in capitals": (literal("counter_type", '"GAUGE"'), "counter_type"),
    "name number": (literal("counter_name", "1"), "counter_name"),
    "name empty": (literal("counter_name", '""'), "counter_name"),
    "unit null": (literal("counter_unit", "null"), "counter_unit"),
    "resource list": (literal("resource_id", "[]"), "resource_id"),
    "resource empty": (literal("resource_id", '""'), "resource_id"),
    "resource with NUL": (literal("resource_id", '"a\\u0000"'), "resource_id"),
    "resource with line end": (literal("resource_id", '"a\\r\\nb"'), "resource_id"),
    "resource with C1": (literal("resource_id", '"a\\u0085"'), "resource_id"),
    "resource too long": (literal("resource_id", f'"{"x" * 256}"'), "resource_id"),
    "user number": (literal("user_id", "7"), "user_id"),
    "project object": (literal("project_id", "{}"), "project_id"),
    "source with escape": (literal("source", '"\\u001b[31m"'), "source"),
    "id empty": (literal("message_id", '""'), "message_id"),
    "id number": (literal("message_id", "1"), "message_id"),
    "recorded_at number": (literal("recorded_at", "1"), "recorded_at"),
    "metadata list": (literal("resource_metadata", "[]"), "resource_metadata"),
    "metadata text": (literal("resource_metadata", '"a"'), "resource_metadata"),
    "metadata with NUL": (literal("resource_metadata", '{"a":"\\u0000"}'), "resource_metadata"),
    "metadata key with NUL": (literal("resource_metadata", '{"\\u0000":1}'), "resource_metadata"),
    "metadata key twice": (
        literal("resource_metadata", '{"a.b":1,"a":{"b":2}}'),
        "resource_metadata",
    ),
    "metadata too large": (
        literal("resource_metadata", json.dumps({"a": "x" * 16_384})),
        "resource_metadata",
    ),
    "metadata key too long": (
        literal("resource_metadata", json.dumps({"x" * 256: 1})),
        "resource_metadata",
    ),
    "metadata 21 deep": (
        literal("resource_metadata", '{"a":' * 21 + "1" + "}" * 21),
        "resource_metadata",
    ),
    "metadata number of 5000 digits": (
        literal("resource_metadata", '{"a":' + "9" * 5000 + "}"),
        "resource_metadata",
    ),
}


@pytest.mark.parametrize("path", [SAMPLES, METER])
@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON)
def test_body_that_is_no_list_of_samples(
    client: Client, storage: Storage, path: str, body: str | bytes
) -> None:
    """What is no JSON, or no list, is 400 as a whole."""
    assert_fault(client.post(path, body), 400)
    assert [] == kept(storage)


@pytest.mark.parametrize("path", [SAMPLES, METER])
@pytest.mark.parametrize("body", NO_SAMPLES.values(), ids=NO_SAMPLES)
def test_body_without_samples(client: Client, path: str, body: str) -> None:
    """No samples at all are 400 in v2's words."""
    response = client.post(path, body)

    assert_fault(response, 400, "Samples should be included in request body")


@pytest.mark.parametrize(("item", "field"), BAD_SAMPLES.values(), ids=BAD_SAMPLES)
def test_bad_sample_is_refused_whole(
    client: Client, storage: Storage, item: str, field: str | None
) -> None:
    """On a meter's path one bad sample refuses the body, and its field is named."""
    response = client.post(METER, f"[{json.dumps(v2_sample())}, {item}]")

    assert_fault(response, 400, (field or "Invalid sample").removeprefix("resource_"))
    assert [] == kept(storage)


@pytest.mark.parametrize(("item", "field"), BAD_SAMPLES.values(), ids=BAD_SAMPLES)
def test_bad_sample_is_rejected_alone(
    client: Client, storage: Storage, item: str, field: str | None
) -> None:
    """Among samples of all meters one bad sample is rejected with its field, and no other."""
    response = client.post(SAMPLES, f"[{json.dumps(v2_sample())}, {item}]")

    assert (207, 1) == (response.status_int, len(kept(storage)))
    (rejection,) = response.json["rejected"]
    assert (1, "invalid_sample", field) == (
        rejection["index"],
        rejection["code"],
        rejection["field"],
    )


@pytest.mark.parametrize("text", BAD_TIMES.values(), ids=BAD_TIMES)
def test_bad_timestamp_of_a_sample(client: Client, storage: Storage, text: str) -> None:
    """A timestamp that is no instant, or out of bounds, refuses the sample."""
    assert_fault(client.post(METER, f"[{literal('timestamp', text)}]"), 400, "timestamp")
    assert [] == kept(storage)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"volume": True}, id="boolean volume"),
        pytest.param({"volume": None}, id="no volume"),
        pytest.param({"name": ""}, id="empty name"),
        pytest.param({"id": 1}, id="number as id"),
        pytest.param({"timestamp": 1.5}, id="number as timestamp"),
        pytest.param({"resource_metadata": []}, id="list as resource_metadata"),
        pytest.param({"type": "x"}, id="unknown type"),
    ],
)
def test_bad_sample_of_an_agent(client: Client, changes: dict[str, object]) -> None:
    """In the agents' shape a bad field is named as agents name it."""
    (rejection,) = client.post(SAMPLES, [agent_sample(**changes)]).json["rejected"]

    assert [rejection["field"]] == list(changes)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("{[", id="garbage"),
        pytest.param("[]", id="array"),
        pytest.param(literal("counter_volume", "NaN"), id="NaN"),
        pytest.param(literal("resource_id", SURROGATE), id="lone surrogate"),
        pytest.param(literal("resource_metadata", nested('{"a":', "}")), id="deep"),
        pytest.param(json.dumps(agent_sample())[:-9], id="truncated"),
    ],
)
def test_bad_line_is_rejected_alone(client: Client, storage: Storage, line: str) -> None:
    """One bad line of NDJSON costs that line."""
    body = f"{line}\n{json.dumps(v2_sample())}"
    response = client.post(SAMPLES, body, content_type=NDJSON)

    assert [0] == [rejection["index"] for rejection in response.json["rejected"]]
    assert 1 == len(kept(storage))


MEDIA = ["text/plain", "application/xml", "text/xml", "multipart/form-data", "image/png", "x"]


@pytest.mark.parametrize("media", MEDIA)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", SAMPLES), ("POST", METER), ("GET", SAMPLES), ("GET", STATISTICS)]
)
def test_body_in_another_form(
    client: Client, storage: Storage, method: str, path: str, media: str
) -> None:
    """A body in a form that is not read here is 415, and nothing is stored."""
    body = json.dumps([v2_sample()])

    assert_fault(client.request(method, path, body, content_type=media), 415, media)
    assert [] == kept(storage)


def test_body_without_a_form(client: Client, storage: Storage) -> None:
    """A body that does not say what it is, is not guessed at."""
    response = client.post(SAMPLES, [v2_sample()], content_type="")

    assert_fault(response, 415, "Unknown mimetype")
    assert [] == kept(storage)


def test_lines_on_a_meters_path(client: Client) -> None:
    """NDJSON is for samples of all meters only."""
    assert_fault(client.post(METER, [v2_sample()], content_type=NDJSON), 415, NDJSON)


@pytest.mark.parametrize("path", [SAMPLES, METER])
def test_form_as_samples(client: Client, storage: Storage, path: str) -> None:
    """A form is parameters, not samples: curl's default does not store by accident."""
    form = "application/x-www-form-urlencoded"

    assert_fault(client.post(path, [v2_sample()], content_type=form), 400, "Unknown argument")
    assert [] == kept(storage)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "gzip, identity"])
def test_compressed_body(client: Client, storage: Storage, encoding: str) -> None:
    """Only bodies as they are, are read: there are no bombs to unpack."""
    response = client.post(SAMPLES, [v2_sample()], headers={"Content-Encoding": encoding})

    assert_fault(response, 415, "content encoding not supported")
    assert [] == kept(storage)


@pytest.mark.parametrize(
    ("length", "status"),
    [
        pytest.param("-1", 411, id="negative"),
        pytest.param("ten", 411, id="no number"),
        pytest.param("\u0663", 411, id="Arabic digit"),
        pytest.param("10", 400, id="too short"),
        pytest.param("1000", 400, id="too long"),
        pytest.param(str(10**12), 413, id="far too long"),
        pytest.param("9" * 5000, 400, id="5000 digits"),
    ],
)
def test_length_that_lies(client: Client, storage: Storage, length: str, status: int) -> None:
    """A Content-Length that is none, or not that of the body, stores nothing."""
    body = json.dumps([v2_sample()])
    response = client.lying(SAMPLES, body, {"CONTENT_LENGTH": length})

    assert_fault(response, status)
    assert [] == kept(storage)


def test_chunks_that_no_one_decoded(client: Client, storage: Storage) -> None:
    """A chunked body that the server passed on as it is has no known end: 411."""
    lies = {"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}

    assert_fault(client.lying(SAMPLES, json.dumps([v2_sample()]), lies), 411)
    assert [] == kept(storage)


@pytest.mark.parametrize("query", ["_method=delete", "_method=put", "sample_id=x", "limit=1"])
def test_parameter_beside_a_body(client: Client, storage: Storage, query: str) -> None:
    """POST takes no parameter but `direct`, and then does nothing."""
    assert_fault(client.post(f"{SAMPLES}?{query}", [v2_sample()]), 400, "Unknown argument")
    assert [] == kept(storage)
