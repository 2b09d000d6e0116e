"""What is added to the service is asked for too: without a generator the suite fails."""

import copy
from typing import Any

import pytest
from isolation.described import Operation, document, operations
from isolation.effort import ALL
from isolation.questions import GROUPS, IN_HEADERS, IN_PATHS, NotGenerated, questions
from isolation.values import IN_BODIES

TEXT = {"type": "string"}


@pytest.mark.parametrize("operation", ALL, ids=lambda one: one.name)
def test_every_operation_has_questions(operation: Operation) -> None:
    """Each parameter, header, body and field of it has its generator."""
    questions(operation)


def test_nothing_is_asked_for_that_is_not_there() -> None:
    """No generator is left over."""
    names = {name for one in ALL for _, name in one.parameters}
    schemas = document()["components"]["schemas"].values()
    fields = {name for schema in schemas for name in schema.get("properties", ())}

    assert names == {*IN_PATHS, *IN_HEADERS, *(name for one in GROUPS for name in one.names)}
    assert set(IN_BODIES) <= fields


def changed(*changes: tuple[tuple[str | int, ...], Any]) -> list[Operation]:
    """The operations of the document with something added at these places."""
    described = copy.deepcopy(document())
    for (*place, last), value in changes:
        node = described
        for step in place:
            node = node.setdefault(step, {})
        if isinstance(node.get(last), list):
            node[last].append(value)
        else:
            node[last] = value
    return operations(described)


@pytest.mark.parametrize("place", ["query", "path", "header", "cookie"])
def test_new_parameter_is_missed(place: str) -> None:
    """A parameter that nothing is known of."""
    parameter = {"name": "all_projects", "in": place, "schema": TEXT}
    added = changed((("paths", "/v2/samples", "get", "parameters"), parameter))

    with pytest.raises(NotGenerated):
        [questions(one) for one in added]


def test_new_form_of_a_body_is_missed() -> None:
    """A media type that nothing is known of."""
    where = ("paths", "/v2/samples", "post", "requestBody", "content", "text/csv")

    with pytest.raises(NotGenerated):
        [questions(one) for one in changed((where, {"schema": TEXT}))]


def test_new_field_of_a_body_is_missed() -> None:
    """A field that nothing is known of."""
    schema = {"type": "object", "properties": {"as_project": TEXT}, "required": []}
    where = ("paths", "/v2/query/samples", "post", "requestBody", "content", "application/json")

    with pytest.raises(NotGenerated):
        [questions(one) for one in changed((where, {"schema": schema}))]
