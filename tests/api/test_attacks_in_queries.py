"""Hostile and broken questions: an exact status, and the one shape of errors."""

import json
from urllib.parse import quote

import pytest
from api.client import Client, assert_fault, keep
from api.hostile import BAD_TIMES, STATISTICS, SURROGATE, nested

from metering.storage.base import Storage

SAMPLES, METER = "/v2/samples", "/v2/meters/cpu"
LISTS = ["/v2/meters", METER, SAMPLES, "/v2/resources"]


BAD_LIMITS = {
    "zero": ("0", "Limit must be positive"),
    "negative": ("-1", "Limit must be positive"),
    "fraction": ("1.5", "limit"),
    "exponent": ("1e3", "limit"),
    "empty": ("", "limit"),
    "word": ("ten", "limit"),
    "Arabic digit": ("\u0663", "limit"),
    "underscore": ("1_0", "limit"),
    "hexadecimal": ("0x10", "limit"),
    "NUL": ("\0", "limit"),
    "41 digits": ("9" * 41, "limit"),
    "5000 digits": ("9" * 5000, "limit"),
}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(("limit", "words"), BAD_LIMITS.values(), ids=BAD_LIMITS)
def test_bad_limit(client: Client, path: str, limit: str, words: str) -> None:
    """A limit is a positive number in ASCII digits."""
    assert_fault(client.get(f"{path}?limit={quote(limit)}"), 400, words)


@pytest.mark.parametrize("path", LISTS)
def test_limit_twice(client: Client, path: str) -> None:
    """A parameter that is one value may be given once."""
    assert_fault(client.get(f"{path}?limit=1&limit=2"), 400, "limit was given several times")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["10001", "99999999999999999999999"])
def test_large_limit_is_clamped(client: Client, path: str, limit: str) -> None:
    """A large limit is no error."""
    assert [] == client.rows(f"{path}?limit={limit}")


BAD_PERIODS = {
    "negative": ("-1", "Period must be positive."),
    "10^30": ("1" + "0" * 30, "Invalid period"),
    "beyond the calendar": ("999999999999", "Invalid period"),
    "fraction": ("1.5", "period"),
    "word": ("day", "period"),
    "empty": ("", "period"),
    "41 digits": ("9" * 41, "period"),
    "Arabic digit": ("\u0663", "period"),
    "twice": ("1&period=2", "period was given several times"),
}


@pytest.mark.parametrize(("period", "words"), BAD_PERIODS.values(), ids=BAD_PERIODS)
def test_bad_period(client: Client, storage: Storage, period: str, words: str) -> None:
    """A period is a number of seconds that stays in the calendar."""
    keep(storage, {})

    assert_fault(client.get(f"{STATISTICS}?period={quote(period, safe='&=')}"), 400, words)


def test_period_zero_is_none(client: Client, storage: Storage) -> None:
    """A period of zero means one window, as in v2."""
    keep(storage, {})

    assert client.rows(STATISTICS) == client.rows(f"{STATISTICS}?period=0")


def test_seconds_over_thirty_years_cost_nothing(client: Client, storage: Storage) -> None:
    """Windows without samples are never made."""
    keep(storage, {})
    path = f"{STATISTICS}?period=1&q.field=timestamp&q.op=ge&q.value=1985"

    assert [1] == [row["count"] for row in client.rows(path)]


RAGGED = {
    "field alone": "q.field=user",
    "value alone": "q.value=x",
    "op alone": "q.op=eq",
    "type alone": "q.type=integer",
    "more values than fields": "q.field=user&q.value=1&q.value=2",
    "more fields than values": "q.field=user&q.field=project&q.value=1",
    "fewer ops": "q.field=user&q.value=1&q.field=project&q.op=gt&q.value=2",
    "more ops": "q.field=user&q.op=eq&q.op=gt&q.value=1",
    "fewer types": "q.field=metadata.a&q.value=1&q.field=metadata.b&q.value=2&q.type=integer",
    "q itself": "q=user",
    "unknown part": "q.field=user&q.value=x&q.extra=1",
    "index without value": "q[0].field=user",
    "index that is none": "q[x].field=user&q[x].value=1",
}


@pytest.mark.parametrize("path", [*LISTS, STATISTICS])
@pytest.mark.parametrize("query", RAGGED.values(), ids=RAGGED)
def test_ragged_q(client: Client, path: str, query: str) -> None:
    """Parts of q that cannot be paired are never guessed."""
    response = client.get(f"{path}?{query}")

    assert_fault(response, 400)
    assert "q" in response.text or "Mandatory field missing" in response.text


BAD_CONDITIONS = {
    "unknown field": ("q.field=flavour&q.value=1", 'Unknown argument: "flavour"'),
    "empty field": ("q.field=&q.value=1", "Unknown argument"),
    "field in capitals": ("q.field=User&q.value=1", "Unknown argument"),
    "NUL as field": ("q.field=%00&q.value=1", "Unknown argument"),
    "field of 10 kB": (f"q.field={'a' * 10_000}&q.value=1", "Unknown argument"),
    "path of 10 kB": (f"q.field=metadata.{'a.' * 5_000}&q.value=1", "at most 1000 characters"),
    "unknown operator": ("q.field=user&q.op=like&q.value=1", "unimplemented operator for user"),
    "operator in capitals": ("q.field=user&q.op=EQ&q.value=1", "unimplemented operator"),
    "unknown type": ("q.field=metadata.a&q.value=1&q.type=blob", "data type blob"),
    "no integer": ("q.field=metadata.a&q.value=x&q.type=integer", "Unable to convert"),
    "1.0 as integer": ("q.field=metadata.a&q.value=1.0&q.type=integer", "Unable to convert"),
    "no float": ("q.field=metadata.a&q.value=1_0&q.type=float", "Unable to convert"),
    "huge float": ("q.field=metadata.a&q.value=1e999999999&q.type=float", "Unable to convert"),
    "no boolean": ("q.field=metadata.a&q.value=2&q.type=boolean", "Unable to convert"),
    "no datetime": ("q.field=metadata.a&q.value=now&q.type=datetime", "Unable to convert"),
    "51 conditions": ("&".join(["q.field=user&q.value=1"] * 51), "at most 50 conditions"),
    "field not UTF-8": ("q.field=%ff&q.value=1", "not valid UTF-8"),
    "value with surrogate": ("q.field=user&q.value=%ED%A0%80", "not valid UTF-8"),
    "name not UTF-8": ("%ff=1", "not valid UTF-8"),
}


@pytest.mark.parametrize("path", [*LISTS, STATISTICS])
@pytest.mark.parametrize(("query", "words"), BAD_CONDITIONS.values(), ids=BAD_CONDITIONS)
def test_bad_condition(client: Client, path: str, query: str, words: str) -> None:
    """A condition that makes no sense is named, everywhere alike."""
    response = client.get(f"{path}?{query}")

    assert_fault(response, 400, words)
    assert len(response.text) < 700


@pytest.mark.parametrize("text", BAD_TIMES.values(), ids=BAD_TIMES)
def test_bad_timestamp_in_a_query(client: Client, text: str) -> None:
    """A bound is an instant; the year is not limited, and an empty text is no bound."""
    value = str(json.loads(text))
    if value in {"", "1969-12-31T23:59:59.999", "9999-12-31"}:
        assert [] == client.rows(f"{SAMPLES}?q.field=timestamp&q.value={quote(value)}")
    else:
        path = f"{SAMPLES}?q.field=timestamp&q.value={quote(value[:100])}"
        assert_fault(client.get(path), 400, "timestamp")


ANCHOR = "0001-01-01T00:00:59.999"

BAD_OFFSETS = {
    "alone": ("q.field=search_offset&q.value=1", "cannot be used without timestamp"),
    "fraction": ("q.field=timestamp&q.value=2015&q.field=search_offset&q.value=1.5", "minutes"),
    "huge": ("q.field=timestamp&q.value=2015&q.field=search_offset&q.value=9999999999", "minutes"),
    "out of the calendar": (
        "q.field=timestamp&q.value=0001-01-01&q.field=search_offset&q.value=1",
        "calendar",
    ),
    "anchor out of the calendar": (
        f"q.field=timestamp&q.op=gt&q.value={ANCHOR}&q.field=search_offset&q.op=&q.value=1",
        "calendar",
    ),
    "compared": (
        "q.field=timestamp&q.op=gt&q.value=2015&q.field=search_offset&q.op=gt&q.value=1",
        "unimplemented operator for search_offset",
    ),
}


@pytest.mark.parametrize("path", [SAMPLES, METER, STATISTICS, "/v2/resources"])
@pytest.mark.parametrize(("query", "words"), BAD_OFFSETS.values(), ids=BAD_OFFSETS)
def test_bad_search_offset(client: Client, path: str, query: str, words: str) -> None:
    """search_offset is a whole number of minutes, beside a timestamp."""
    assert_fault(client.get(f"{path}?{query}"), 400, words)


BAD_VOLUMES = {"word": "x", "NaN": "nan", "1e400": "1e400", "1e999999999": "1e999999999"}


@pytest.mark.parametrize("value", BAD_VOLUMES.values(), ids=BAD_VOLUMES)
def test_bad_volume_in_a_query(client: Client, value: str) -> None:
    """A volume is compared with a plain number."""
    assert_fault(client.get(f"{SAMPLES}?q.field=volume&q.value={value}"), 400, "volume")


@pytest.mark.parametrize("path", [*LISTS, STATISTICS])
@pytest.mark.parametrize("name", ["bogus", "offset", "sort", "limit[0]", "limit.x", "self", "call"])
def test_unknown_parameter(client: Client, path: str, name: str) -> None:
    """A parameter that is not declared is named."""
    assert_fault(client.get(f"{path}?{name}=1"), 400, f'Unknown argument: "{name}"')


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v2/samples/s-1", "sample_id=s-2"),
        ("/v2/resources/vm-1", "resource_id=vm-2"),
        ("/v2/meters/cpu", "name=disk"),
        ("/v2/meters/cpu/statistics", "name=disk"),
        ("/v2/samples", "_method=delete"),
        ("/v2/resources/vm-1", "_method=delete"),
    ],
)
def test_parameter_in_place_of_the_path(client: Client, path: str, query: str) -> None:
    """No parameter replaces a part of the path, or the verb."""
    name = query.partition("=")[0]

    assert_fault(client.get(f"{path}?{query}"), 400, f'Unknown argument: "{name}"')


BAD_GROUPS = ["volume", "timestamp", "id", "user", "", "metadata.", "user_id,project_id", "$where"]


@pytest.mark.parametrize("name", BAD_GROUPS)
def test_bad_groupby(client: Client, name: str) -> None:
    """What samples cannot be grouped by is named in v2's words."""
    response = client.get(f"{STATISTICS}?groupby={quote(name)}")

    assert_fault(response, 400, "Invalid groupby fields")


BAD_AGGREGATES = {
    "unknown": ("aggregate.func=median", "Invalid aggregation function: median"),
    "empty": ("aggregate.func=", "Invalid aggregation function"),
    "param alone": ("aggregate.param=x", "aggregate.param"),
    "more params": ("aggregate.func=max&aggregate.param=&aggregate.param=x", "aggregate.param"),
    "cardinality of nothing": ("aggregate.func=cardinality", "Bad aggregate: cardinality.None"),
    "cardinality of x": (
        "aggregate.func=cardinality&aggregate.param=x",
        "Bad aggregate: cardinality.x",
    ),
    "param of max": ("aggregate.func=max&aggregate.param=volume", "Bad aggregate: max.volume"),
    "aggregate itself": ("aggregate=max", "aggregate"),
}


@pytest.mark.parametrize(("query", "words"), BAD_AGGREGATES.values(), ids=BAD_AGGREGATES)
def test_bad_aggregate(client: Client, query: str, words: str) -> None:
    """An unknown function or parameter is named in v2's words."""
    assert_fault(client.get(f"{STATISTICS}?{query}"), 400, words)


def test_more_rows_than_an_answer_may_have(client: Client, storage: Storage) -> None:
    """More than 10,000 rows of statistics are refused with what to do about it."""
    keep(storage, *({"resource_id": f"vm-{number}"} for number in range(10_001)))

    assert_fault(client.get(f"{STATISTICS}?groupby=resource_id"), 400, "10000 rows")


BAD_MARKERS = {
    "empty": "",
    "garbage": "x",
    "not base64": "%%%",
    "not JSON": "W1tb",
    "empty array": "W10",
    "wrong types": "WzEsMl0",
    "wrong length": "WzEsIjAwIiwzXQ",
    "time out of the calendar": "WzEwMDAwMDAwMDAwMDAwMDAwMDAsIjAwIl0",
    "odd key": "WzEsIjAiXQ",
    "deep": "W1tb" * 5000,
    "not ASCII": "\u00fc",
}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("marker", BAD_MARKERS.values(), ids=BAD_MARKERS)
def test_bad_marker(client: Client, path: str, marker: str) -> None:
    """A marker that no link gave is refused."""
    response = client.get(f"{path}?marker={quote(marker)}")

    assert_fault(response, 400, "marker must be that of a next link")


GET_BODIES = {
    "garbage": ("{[", "not in valid JSON format"),
    "list": ("[]", "must be a JSON dict"),
    "text": ('"q"', "must be a JSON dict"),
    "null": ("null", "must be a JSON dict"),
    "unknown key": ('{"bogus":1}', "bogus"),
    "dotted key": ('{"q.field":"user"}', "q.field"),
    "q text": ('{"q":"x"}', "not a valid list"),
    "q object": ('{"q":{}}', "not a valid list"),
    "null condition": ('{"q":[null]}', "q must not hold null"),
    "number as condition": ('{"q":[1]}', "malformed"),
    "list as condition": ('{"q":[[]]}', "malformed"),
    "empty condition": ('{"q":[{}]}', "Mandatory field missing"),
    "no value": ('{"q":[{"field":"user"}]}', "Mandatory field missing"),
    "number as value": ('{"q":[{"field":"user","value":1}]}', "Wrong type"),
    "operator as value": ('{"q":[{"field":"user","value":{"$ne":1}}]}', "Wrong type"),
    "extra key": ('{"q":[{"field":"user","value":"x","and":1}]}', "argument q: and"),
    "lone surrogate as value": (
        f'{{"q":[{{"field":"user","value":{SURROGATE}}}]}}',
        "not in valid JSON format",
    ),
    "lone surrogate as field": (
        f'{{"q":[{{"field":{SURROGATE},"value":"x"}}]}}',
        "not in valid JSON format",
    ),
    "lone surrogate as key": (f"{{{SURROGATE}:1}}", "not in valid JSON format"),
    "limit zero": ('{"limit":0}', "Limit must be positive"),
    "limit word": ('{"limit":"x"}', "limit"),
    "limit NaN": ('{"limit":NaN}', "not in valid JSON format"),
    "limit 1e400": ('{"limit":1e400}', "not in valid JSON format"),
    "limit 1e999999999": ('{"limit":1e999999999}', "not in valid JSON format"),
    "limit list": ('{"limit":[1]}', "malformed"),
    "number as marker": ('{"marker":1}', "marker"),
    "list as marker": ('{"marker":["x"]}', "marker"),
    "deep list": (f'{{"q":{nested("[", "]")}}}', "not in valid JSON format"),
    "deep object": (f'{{"q":{nested("{" + chr(34) + "a" + chr(34) + ":", "}")}}}', "not in valid"),
    "not UTF-8": (b'{"q":"\xe9"}', "not in valid JSON format"),
}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(("body", "words"), GET_BODIES.values(), ids=GET_BODIES)
def test_bad_query_in_a_body(client: Client, path: str, body: str | bytes, words: str) -> None:
    """A query in the body of a GET is checked like one in the URL."""
    assert_fault(client.get(path, body=body), 400, words)


STATISTICS_BODIES = {
    "groupby text": ('{"groupby":"user_id"}', "groupby"),
    "groupby number": ('{"groupby":[1]}', "groupby"),
    "groupby null": ('{"groupby":[null]}', "groupby"),
    "groupby surrogate": (f'{{"groupby":[{SURROGATE}]}}', "not in valid JSON format"),
    "aggregate null": ('{"aggregate":[null]}', "aggregate"),
    "aggregate empty": ('{"aggregate":[{}]}', "Invalid aggregation function"),
    "aggregate number": ('{"aggregate":[{"func":1}]}', "func"),
    "period 1e300": ('{"period":1e300}', "Invalid period"),
    "period Infinity": ('{"period":Infinity}', "not in valid JSON format"),
    "limit": ('{"limit":1}', "limit"),
}


@pytest.mark.parametrize(("body", "words"), STATISTICS_BODIES.values(), ids=STATISTICS_BODIES)
def test_bad_statistics_in_a_body(client: Client, body: str, words: str) -> None:
    """Statistics asked for in a body are checked like those in the URL."""
    assert_fault(client.get(STATISTICS, body=body), 400, words)


def test_parameter_in_url_and_body(client: Client) -> None:
    """A parameter in both places is refused, as in v2."""
    response = client.get("/v2/samples?limit=1", body='{"limit": 2}')

    assert_fault(response, 400, "Parameter limit was given several times")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param("limit=0", "Limit must be positive", id="bad limit"),
        pytest.param("limit=%ff", "not valid UTF-8", id="escape"),
        pytest.param(b"limit=\xff", "not valid UTF-8", id="byte"),
        pytest.param("bogus=1", "bogus", id="unknown"),
        pytest.param("limit=1&limit=2", "several times", id="twice"),
        pytest.param("q.field=user", "equally often", id="ragged"),
    ],
)
def test_bad_form(client: Client, body: str | bytes, words: str) -> None:
    """Parameters in a form are checked like those in the URL."""
    form = "application/x-www-form-urlencoded"

    assert_fault(client.get(SAMPLES, body=body, content_type=form), 400, words)


HARMLESS = {
    "metadata.$where": ("metadata.$where", "sleep(300)"),
    "metadata.a.$gt": ("metadata.a.$gt", "1"),
    "operator as value": ("metadata.a", "{'$ne': None}"),
    "a field as value": ("metadata.a", "$resource_id"),
    "SQL": ("resource", "'; DROP TABLE samples; --"),
    "NUL in value": ("resource", "\0"),
    "complex number": ("metadata.a", "1j"),
    "bytes": ("metadata.a", "b'x'"),
    "huge integer": ("metadata.a", "9" * 400),
    "5000 digits": ("metadata.a", "9" * 5000),
    "huge exponent": ("metadata.a", "1e999999999"),
    "5000 parentheses": ("metadata.a", "(" * 5000),
    "900 signs": ("metadata.a", "-" * 900 + "1"),
    "unhashable key": ("metadata.a", "{[]: 1}"),
    "surrogate in a literal": ("metadata.a", r"'\ud800'"),
    "call": ("metadata.a", "__import__('os').system('false')"),
}


@pytest.mark.parametrize("path", [*LISTS, STATISTICS])
@pytest.mark.parametrize(("field", "value"), HARMLESS.values(), ids=HARMLESS)
def test_harmless_condition(
    client: Client, storage: Storage, path: str, field: str, value: str
) -> None:
    """What would be dangerous elsewhere is a plain value here, and matches nothing."""
    keep(storage, {"metadata": {"a": 1}})

    assert [] == client.rows(f"{path}?q.field={quote(field)}&q.value={quote(value)}")
