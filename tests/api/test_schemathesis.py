"""Whatever the OpenAPI document allows or forbids is answered as it says, and never by a 5xx."""

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from api.client import JSON, NDJSON, Client, keep
from builders import after_noon
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from metering.api.app import make_app
from metering.config import load
from metering.model import Extent
from metering.query import ExtentQuery
from metering.storage.memory import MemoryStorage

Check = Callable[..., Any]
Document = dict[str, Any]

CHECKS: list[Check] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
KNOWN = {
    "meter": ["cpu", "a b"],
    "resource_id": ["vm-1", "a/b"],
    "sample_id": ["s-1", "s-2"],
    "name": ["user_id", "metadata.a.b"],
}
# The same cases in each run: what is new to everybody is for test_fuzz.py.
REPEATED = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def application(storage: MemoryStorage) -> Any:
    """An application over the store with some samples."""
    keep(
        storage,
        {"metadata": {"a": {"b": [1, None]}}, "volume": "0.1"},
        {"resource_id": "a/b", "project_id": None, "user_id": None, "timestamp": after_noon(3)},
        {"meter": "a b", "unit": "", "timestamp": after_noon(60)},
    )
    return make_app(load(), storage)


APPLICATION = application(MemoryStorage())
DOCUMENT: Document = Client(APPLICATION).get("/v2/openapi.json").json


def schema_of(document: Document, over: Any) -> Any:
    """The document as schemathesis reads it, which asks the application."""
    schema = schemathesis.openapi.from_dict(document)
    schema.app = over
    schema.hook(flatmap_path_parameters)
    schema.hook(map_case)
    return schema


def flatmap_path_parameters(context: Any, path_parameters: Any) -> st.SearchStrategy[Any]:
    """Ask for what is there as often as for what is not."""
    if not path_parameters:
        return st.just(path_parameters)
    known = {name: st.sampled_from(KNOWN[name]) for name in path_parameters}
    return st.just(path_parameters) | st.fixed_dictionaries(known)


def map_case(context: Any, case: schemathesis.Case) -> schemathesis.Case:
    """Write samples of the meter that the path names: others are all refused for that alone."""
    if case.operation.label == "POST /v2/meters/{meter}" and isinstance(case.body, list):
        for item in case.body:
            if isinstance(item, dict) and isinstance(item.get("counter_name"), str):
                item["counter_name"] = case.path_parameters["meter"]
    return case


@schemathesis.serializer(NDJSON)
def lines(context: Any, value: Any) -> bytes:
    """A text is sent as it is."""
    return str(value).encode(errors="surrogatepass")


SCHEMA = schema_of(DOCUMENT, APPLICATION)
OPERATIONS = {
    f"{method.upper()} {path}": said
    for path, methods in DOCUMENT["paths"].items()
    for method, said in methods.items()
}
# A path takes any text, so nothing in it can be wrong.
REFUSING = [
    label
    for label, said in OPERATIONS.items()
    if "requestBody" in said or any(one["in"] != "path" for one in said.get("parameters", ()))
]


def ask(operation: Any, mode: GenerationMode, checks: list[Check] = CHECKS) -> Counter[int]:
    """Ask for the operation in 30 ways; how often each status was the answer.

    Raises:
        FailureGroup: an answer is not as described.
    """
    statuses: Counter[int] = Counter()

    @REPEATED
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        statuses[case.call_and_validate(checks=checks).status_code] += 1

    check()
    return statuses


@pytest.mark.parametrize("label", OPERATIONS)
def test_what_is_allowed(label: str) -> None:
    """Status, form, headers and body of each answer are in the document; some succeed."""
    statuses = ask(SCHEMA.find_operation_by_label(label), GenerationMode.POSITIVE)

    assert min(statuses) < 300


@pytest.mark.parametrize("label", REFUSING)
def test_what_is_forbidden(label: str) -> None:
    """So are those of what the document does not allow."""
    statuses = ask(SCHEMA.find_operation_by_label(label), GenerationMode.NEGATIVE)

    assert max(statuses) >= 207


@pytest.mark.parametrize("label", OPERATIONS)
def test_bounds(label: str) -> None:
    """So are those at and beyond each bound, without each part, and for other methods."""
    operation = SCHEMA.find_operation_by_label(label)
    cases = SCHEMA.iter_coverage_cases(
        operation,
        generation_modes=list(GenerationMode),
        generation_config=SCHEMA.config.generation_for(operation=operation),
    )

    assert [case.call_and_validate(checks=CHECKS) for case in cases]


class Raising(MemoryStorage):
    """Fails with what nobody expects, where it is asked for extents."""

    def extents(self, query: ExtentQuery) -> list[Extent]:
        """Fail."""
        raise KeyError(query)


def assert_found(document: Document, over: Any, label: str, check: Check) -> None:
    """The check finds a fault in the operation."""
    operation = schema_of(document, over).find_operation_by_label(label)

    with pytest.raises(FailureGroup):
        ask(operation, GenerationMode.POSITIVE, [check])


def without(*place: str) -> Document:
    """The document without what stands at that place."""
    document = copy.deepcopy(DOCUMENT)
    node = document
    for step in place[:-1]:
        node = node[step]
    del node[place[-1]]
    return document


def test_handler_that_raises_is_found() -> None:
    """A 500 is found."""
    over = application(Raising())

    assert_found(DOCUMENT, over, "GET /v2/resources/{resource_id}", not_a_server_error)


def test_status_that_is_not_described_is_found() -> None:
    """A status that the document does not name is found."""
    path = "/v2/samples/{sample_id}"
    document = without("paths", path, "get", "responses", "404")

    assert_found(document, APPLICATION, f"GET {path}", status_code_conformance)


def test_form_that_is_not_described_is_found() -> None:
    """A media type that the document does not name is found."""
    document = without("paths", "/v2/samples", "get", "responses", "200", "content", JSON)

    assert_found(document, APPLICATION, "GET /v2/samples", content_type_conformance)


def test_header_that_is_missing_is_found() -> None:
    """A header that the document promises is missed."""
    document = copy.deepcopy(DOCUMENT)
    promised = {"required": True, "schema": {"type": "string"}}
    document["paths"]["/v2/meters"]["get"]["responses"]["200"]["headers"]["X-Total"] = promised

    assert_found(document, APPLICATION, "GET /v2/meters", response_headers_conformance)


def test_field_of_another_type_is_found() -> None:
    """A field that is not what the document says is found."""
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["SampleBody"]["properties"]["volume"] = {"type": "string"}

    assert_found(document, APPLICATION, "GET /v2/samples/{sample_id}", response_schema_conformance)
