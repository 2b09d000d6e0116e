"""What a member can ask: for every operation of the document, each parameter with its generator.

A parameter, a field of a body or a form of one that has no generator here is an error, so that
what is added to the service is asked for too.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from api.client import JSON, NDJSON
from hypothesis import strategies as st
from isolation import values
from isolation.described import Operation, Schema, resolved

from metering.api.forms.media import FORM

Pair = tuple[str, str]
Pairs = st.SearchStrategy[list[Pair]]
Described = Mapping[str, Schema]
NONE: Pairs = st.just([])


class NotGenerated(Exception):
    """Something of the service that no question here would touch."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A request, without who sends it."""

    method: str
    path: str
    query: str = ""
    headers: tuple[Pair, ...] = ()
    body: str = ""
    content_type: str = JSON

    @property
    def url(self) -> str:
        """The path and the query string."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def text(self) -> str:
        """All that is sent."""
        return " ".join([self.path, *(part for pair in self.headers for part in pair), self.body])


@dataclass(frozen=True)
class Group:
    """Parameters that belong together, and what makes values for them.

    `often` says how much likelier they are given than not: without some of them others are refused.
    """

    names: tuple[str, ...]
    pairs: Callable[[Described], Pairs]
    often: int = 1


def _one(name: str, texts: st.SearchStrategy[str], often: int = 1) -> Group:
    return Group((name,), lambda _: texts.map(lambda text: [(name, text)]), often)


def _conditions(described: Described) -> Pairs:
    """Conditions of `q`, most with parts that line up."""
    operators = st.sampled_from(described["q.op"]["items"]["enum"])
    types = st.sampled_from(described["q.type"]["items"]["enum"])
    condition = st.tuples(values.conditions, operators, types).map(
        lambda drawn: [
            ("q.field", drawn[0][0]),
            ("q.op", drawn[1]),
            ("q.value", drawn[0][1]),
            ("q.type", drawn[2]),
        ]
    )
    plain = values.conditions.map(lambda one: [("q.field", one[0]), ("q.value", one[1])])
    alike = st.lists(plain, max_size=3) | st.lists(condition, max_size=3)
    flat = alike.map(lambda found: [pair for one in found for pair in one])
    ragged = flat.map(lambda found: found[1:])
    return _usually(flat, 20, ragged)


def _usually(usual: Pairs, often: int, other: Pairs = NONE) -> Pairs:
    """The usual so often for each time the other: of equal strategies `one_of` takes one."""
    return st.sampled_from([usual] * often + [other]).flatmap(lambda one: one)


def _aggregates(described: Described) -> Pairs:
    functions = st.sampled_from([*described["aggregate.func"]["items"]["enum"]] * 3 + ["nonsense"])
    fields = st.sampled_from([*described["aggregate.param"]["items"]["enum"], "unit"])
    pair = st.tuples(st.sampled_from(["cardinality", "integral", "sum"]), fields).map(
        lambda drawn: [("aggregate.func", drawn[0]), ("aggregate.param", drawn[1])]
    )
    # Most functions take no parameter.
    alone = functions.map(lambda one: [("aggregate.func", one)])
    alike = st.lists(pair, max_size=3) | st.lists(alone, max_size=3)
    return alike.map(lambda found: [one for each in found for one in each])


GROUPS = (
    Group(("q.field", "q.op", "q.value", "q.type"), _conditions),
    Group(("aggregate.func", "aggregate.param"), _aggregates),
    Group(
        ("groupby",),
        lambda _: st.lists(values.series_fields, min_size=1, max_size=3).map(
            lambda found: [("groupby", one) for one in found]
        ),
    ),
    Group(
        ("by",),
        lambda _: st.lists(values.series_fields, min_size=1, max_size=3).map(
            lambda found: [("by", one) for one in found]
        ),
        often=9,
    ),
    _one("merge", st.sampled_from(["ranges", "values", "values", "values", "values", "nonsense"])),
    _one("absent", st.sampled_from(["carry", "null", "null", "null", "null", "nonsense"])),
    Group(("start", "end", "tz"), lambda _: values.frames),
    Group(("interval", "week_start", "anchor", "fill"), lambda _: values.slicings),
    Group(("window", "tz"), lambda _: values.windows),
    _one("func", st.sampled_from(["usage", "sum", "integral/day", "peak", "cardinality/user_id"])),
    _one("compare", st.sampled_from(["previous", "previous", "previous", "next"])),
    _one("max_gap", st.sampled_from([*("0", "0.5", "60", "3600", "100000"), "none", "none", "-1"])),
    _one("first", st.sampled_from(["baseline", "zero", "zero", "zero", "nonsense"])),
    _one("limit", st.sampled_from(["1", "2", "3", "100", "99999", "0"])),
    _one(
        "period", st.sampled_from([*("0", "1", "60", "3600", "7200", "86400"), "999999999", "-1"])
    ),
    _one("unique", values.switches),
    _one("meter_links", st.sampled_from(["0", "1"])),
    _one("direct", values.switches),
    # For administrators, so most that is asked with it is not answered.
    _one("explain", st.sampled_from([*(["0"] * 5), "1", "true"])),
    _one("marker", values.markers),
    _one("meter", values.meters),
    _one("prefix", values.prefixes),
    _one("resource_id", values.resources, often=9),
    _one("at", values.moments),
)
IN_PATHS = {
    "meter": values.meters,
    "resource_id": values.resources,
    "sample_id": values.ids,
    "name": values.series_fields,
}
IN_HEADERS = {"Idempotency-Key": values.idempotency_keys}


def questions(operation: Operation) -> st.SearchStrategy[Question]:
    """Requests for the operation, some of them with what it does not know.

    Raises:
        NotGenerated: it has a parameter or a body that has no generator.
    """
    accepts = st.sampled_from(["*/*", *dict.fromkeys(operation.forms), "text/plain, */*;q=0.1"])
    extra = st.lists(values.strange_headers, max_size=2)
    headers = st.tuples(accepts, _headers(operation), extra).map(
        lambda drawn: {"Accept": drawn[0], **dict(drawn[2]), **drawn[1]}
    )
    usual = [operation.method] * 60
    return st.builds(
        _question,
        st.sampled_from([*usual, "HEAD", "OPTIONS", "PUT", "DELETE"]),
        _paths(operation),
        _query(operation),
        headers,
        _bodies(operation),
        st.sampled_from(["url"] * 6 + ([] if operation.bodies else [JSON, FORM])),
    )


def _question(  # noqa: PLR0913, PLR0917 - the parts of a request
    method: str, path: str, pairs: list[Pair], headers: dict[str, str], body: Pair, way: str
) -> Question:
    form, text = body
    query = urlencode(pairs) if way == "url" else ""
    if way != "url":
        form, text = way, urlencode(pairs) if way == FORM else json.dumps(in_json(pairs))
    return Question(
        method=method,
        path=path,
        query=query,
        headers=tuple(sorted(headers.items())),
        body=text,
        content_type=form,
    )


def in_json(pairs: Iterable[Pair]) -> dict[str, Any]:
    """Parameters as WSME reads them from a body: parts become lists of objects."""
    found: dict[str, Any] = {}
    parts: dict[str, dict[str, list[str]]] = {}
    for name, value in pairs:
        whole, _, part = name.partition(".")
        if part:
            parts.setdefault(whole, {}).setdefault(part, []).append(value)
        elif name in ("groupby", "by"):
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    for whole, of_part in parts.items():
        longest = max(map(len, of_part.values()))
        found[whole] = [
            {part: listed[place] for part, listed in of_part.items() if place < len(listed)}
            for place in range(longest)
        ]
    return found


def _known(table: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in table:
        raise NotGenerated(f"{what} {name}")
    return table[name]


def _in(operation: Operation, place: str) -> dict[str, Schema]:
    return {
        name: schema for (where, name), schema in operation.parameters.items() if where == place
    }


def _paths(operation: Operation) -> st.SearchStrategy[str]:
    names = _in(operation, "path")
    arguments = {name: _known(IN_PATHS, name, "path argument") for name in names}
    return st.fixed_dictionaries(arguments).map(
        lambda drawn: operation.path.format(
            **{name: quote(value, safe="") for name, value in drawn.items()}
        )
    )


def _query(operation: Operation) -> Pairs:
    described = _in(operation, "query")
    groups = [one for one in GROUPS if set(one.names) <= described.keys()]
    forgotten = described.keys() - {name for one in groups for name in one.names}
    if forgotten or {place for place, _ in operation.parameters} - {"query", "path", "header"}:
        raise NotGenerated(f"{operation.name}: {sorted(forgotten)}")
    sets = [_usually(one.pairs(described), one.often) for one in groups]
    usually_none = [[] for _ in range(30)]
    unknown = st.sampled_from([*usually_none, *([one] for one in values.UNKNOWN_PARAMETERS)])
    return st.tuples(*sets, unknown).map(lambda drawn: [pair for one in drawn for pair in one])


def _headers(operation: Operation) -> st.SearchStrategy[dict[str, str]]:
    names = _in(operation, "header")
    known = {name: _known(IN_HEADERS, name, "header") for name in names}
    return st.fixed_dictionaries({}, optional=known)


def _bodies(operation: Operation) -> st.SearchStrategy[Pair]:
    """Bodies with their media types; often none where none is read."""
    if not operation.bodies:
        return st.just((JSON, ""))
    return st.one_of(
        *(
            _known(WRITERS, form, "form of a body")(operation).map(_with(form))
            for form in operation.bodies
        )
    )


def _with(form: str) -> Callable[[str], Pair]:
    return lambda text: (form, text)


def _in_lines(operation: Operation) -> st.SearchStrategy[str]:
    """The objects of the JSON form, one on each line."""
    whole = of_schema(operation.bodies[JSON])
    return whole.map(
        lambda one: "\n".join(map(json.dumps, one if isinstance(one, list) else [one]))
    )


WRITERS: dict[str, Callable[[Operation], st.SearchStrategy[str]]] = {
    JSON: lambda operation: of_schema(operation.bodies[JSON]).map(json.dumps),
    NDJSON: _in_lines,
}


def of_schema(schema: Schema) -> st.SearchStrategy[Any]:
    """JSON values of a schema; those of an object come from the table, by their names.

    Raises:
        NotGenerated: a field has no generator.
    """
    schema = resolved(schema)
    if "anyOf" in schema:
        return st.one_of(*map(of_schema, schema["anyOf"]))
    if schema.get("type") == "array":
        return st.lists(of_schema(schema["items"]), min_size=1, max_size=4)
    known = {
        name: _known(values.IN_BODIES, name, "field of a body") for name in schema["properties"]
    }
    required = {name: known.pop(name) for name in schema["required"]}
    return st.fixed_dictionaries(required, optional=known)
