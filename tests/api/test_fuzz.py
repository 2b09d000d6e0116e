"""Whatever is sent that the document does not speak of: bytes, bodies of GET, words with a meaning.

The status is below 500, and what a body leaves behind is what was accepted.
"""

import json
from urllib.parse import quote

from api.client import Client, kept, v2_sample
from builders import submission
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from metering.api.app import make_app
from metering.config import load
from metering.storage.memory import MemoryStorage

METADATA = {"a": {"b": [1, "x", None]}, "k": True, "n": 10**30}
PATHS = [
    "/v2/meters",
    "/v2/meters/cpu",
    "/v2/meters/cpu/statistics",
    "/v2/samples",
    "/v2/samples/s-1",
    "/v2/resources",
    "/v2/resources/vm-1",
    "/v2/capabilities",
    "/v2/dimensions",
    "/v2/dimensions/metadata.a/values",
    "/v2/users",
    "/v2/revisions?resource_id=vm-1",
]
SEGMENTS = "/v2/meters/cpu/segments"
NAMES = [
    "q.field",
    "q.op",
    "q.value",
    "q.type",
    "q[0].field",
    "q[0].value",
    "q[1].op",
    "limit",
    "marker",
    "unique",
    "meter_links",
    "period",
    "groupby",
    "aggregate.func",
    "aggregate.param",
    "direct",
    "start",
    "end",
    "tz",
    "interval",
    "week_start",
    "anchor",
    "fill",
    "meter",
    "prefix",
    "by",
    "merge",
    "absent",
    "max_gap",
    "first",
    "resource_id",
    "at",
]
FORMS = ["*/*", "text/xml", "text/csv"]
WORDS = [
    *("user", "project_id", "resource", "meter", "volume", "timestamp", "recorded_at", "id"),
    *("metadata.a", "metadata.a.b", "metadata.a.b.0", "metadata.n", "search_offset", "type"),
    *("eq", "ne", "lt", "ge", "integer", "float", "boolean", "datetime", "string"),
    *("max", "stddev", "cardinality", "source", "None", "True", "[]", "{}", "[1, {'a': 1e5}]"),
    *("0", "1", "-1", "1e400", "1e999999999", "nan", "9" * 30, "2015-06-01", "0001-01-01"),
    *("Europe/Berlin", "Pacific/Apia", "hour", "week", "year", "sun", "null", "none"),
    *("9999-12-31T23:59:59.999", "2015-06-01T12:00:00+23:59", "315360000", "999999999", ""),
]
MANY = settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])

texts = st.sampled_from(WORDS) | st.text(max_size=8)
pairs = st.tuples(st.sampled_from(NAMES), texts)
raw_queries = st.binary(max_size=20).map(lambda raw: "".join(f"%{byte:02x}" for byte in raw))
queries = raw_queries | st.lists(pairs, max_size=8).map(
    lambda found: "&".join(f"{quote(name)}={quote(value)}" for name, value in found)
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | texts
json_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
conditions = st.dictionaries(
    st.sampled_from(["field", "op", "value", "type", "extra"]), texts | json_values
)
questions = st.fixed_dictionaries(
    {},
    optional={
        "q": st.lists(conditions, max_size=3) | json_values,
        "limit": leaves,
        "groupby": st.lists(texts, max_size=2) | json_values,
        "by": st.lists(texts, max_size=2) | json_values,
        "period": leaves,
        "aggregate": st.lists(st.dictionaries(st.sampled_from(["func", "param"]), texts)),
        "marker": json_values,
    },
)
samples = st.builds(
    lambda changes: v2_sample() | changes,
    st.dictionaries(st.sampled_from([*v2_sample(), "name", "message_id", "x"]), json_values),
)
METADATA_FIELD = st.fixed_dictionaries({"resource_metadata": json_values})
bodies = (
    st.binary(max_size=30)
    | json_values.map(json.dumps).map(str.encode)
    | st.lists(samples, max_size=3).map(json.dumps).map(str.encode)
    | METADATA_FIELD.map(lambda one: json.dumps([v2_sample(**one)]).encode())
)


def client(storage: MemoryStorage | None = None) -> Client:
    """A client of an application with a sample."""
    storage = storage or MemoryStorage()
    storage.record([submission(metadata=METADATA)], atomic=False)
    return Client(make_app(load(), storage))


CLIENT = client()


@MANY
@given(
    path=st.sampled_from([*PATHS, SEGMENTS]),
    query=queries,
    accept=st.sampled_from(["*/*", "text/xml", "text/csv"]),
)
@example(path=PATHS[2], query="period=999999999999", accept="*/*")
def test_queries(path: str, query: str, accept: str) -> None:
    """No query string is an error of the server."""
    asked = f"{path}{'&' if '?' in path else '?'}{query}"

    assert CLIENT.get(asked, headers={"Accept": accept}).status_int < 500


@MANY
@given(path=st.sampled_from([*PATHS, SEGMENTS]), question=questions)
@example(path=PATHS[3], question={"limit": float("inf")})
@example(path=PATHS[3], question={"q": [{"field": "\ud800", "value": "\ud800"}]})
@example(path=PATHS[3], question={"marker": 1})
def test_questions_in_a_body(path: str, question: object) -> None:
    """No body of a GET is an error of the server."""
    assert CLIENT.get(path, body=json.dumps(question)).status_int < 500


@MANY
@given(raw=st.binary(max_size=30))
def test_paths(raw: bytes) -> None:
    """No path is an error of the server."""
    path = "".join(f"%{byte:02x}" for byte in raw)

    assert CLIENT.get(f"/v2/resources/{path}").status_int < 500
    assert CLIENT.get(f"/v2/dimensions/{path}/values").status_int < 500


@MANY
@given(
    body=bodies,
    path=st.sampled_from(["/v2/samples", "/v2/meters/cpu"]),
    media=st.sampled_from(["application/json", "application/x-ndjson"]),
)
def test_bodies(body: bytes, path: str, media: str) -> None:
    """No body is an error of the server; what it answers is what is kept, and can be read."""
    storage = MemoryStorage()
    caller = client(storage)

    response = caller.post(path, body, content_type=media)

    assert response.status_int < 500
    stored = len(kept(storage)) - 1
    told = response.json
    accepted = told.get("accepted", 0) if isinstance(told, dict) else len(told)
    assert accepted == stored
    assert {200} == {caller.get(one).status_int for one in PATHS}
