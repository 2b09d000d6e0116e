"""The OpenAPI 3.1 document, generated from the table of paths and what its controllers declare."""

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from http import HTTPStatus
from typing import Any

import wsme.types as wtypes

from metering import __version__
from metering.api.callers.public import is_public
from metering.api.document.glossary import PARAMETERS, Parameter
from metering.api.document.schema import Schema, Schemas
from metering.api.exchange.request_id import HEADER
from metering.api.faults import STATUS, ErrorBody
from metering.api.forms.media import CSV, JSON, NDJSON, XML
from metering.api.framework.declare import Truth
from metering.api.framework.endpoint import Endpoint
from metering.api.framework.routing import ANY_METHOD, Controller, Route

# Beside STATUS: of Pecan's negotiation, of `middleware.framing`, and of whatever goes wrong.
_ALWAYS = (
    HTTPStatus.NOT_ACCEPTABLE,
    HTTPStatus.LENGTH_REQUIRED,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.INTERNAL_SERVER_ERROR,
)
# 499 is none of HTTP's: who gets it has gone.
_OF_ERRORS = frozenset(status for status in STATUS.values() if isinstance(status, HTTPStatus))
_WHERE_DECLARED = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE, HTTPStatus.CONFLICT}

_HEADERS: dict[str, Schema] = {
    HEADER: {
        "description": "The id under which the log has this request.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Link": {
        "description": 'The next page, as `<...>; rel="next"`, if there is one.',
        "schema": {"type": "string"},
    },
    "Metering-Effort": {
        "description": "What the answer was made of, if `explain` asked for it.",
        "schema": {"type": "string"},
    },
    "WWW-Authenticate": {
        "description": "How callers make themselves known, if this one did not.",
        "schema": {"type": "string"},
    },
}
# Beside HEADER, of the answers to those that take a parameter.
_HEADERS_OF_PARAMETERS = {"marker": "Link", "explain": "Metering-Effort"}

_TOKEN = "token"  # noqa: S105 - the name of a scheme
_SECURITY_SCHEMES: dict[str, Schema] = {
    _TOKEN: {
        "type": "apiKey",
        "in": "header",
        "name": "X-Auth-Token",
        "description": (
            "A token of Keystone or a key, as [api] auth says; nothing where a proxy says who "
            "calls, or nobody has to."
        ),
    },
}

_LINES: Schema = {
    "type": "string",
    "description": "The rows of the JSON array, one on each line; all of them, without a limit.",
}
_TABLE: Schema = {
    "type": "string",
    "description": (
        "The same rows as CSV (RFC 4180) with a header: the paths of JSON, with dots. A text that "
        "a spreadsheet could take for a formula begins with an apostrophe."
    ),
}


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The document. A path that is answered for any method is listed under GET."""
    schemas = Schemas()
    paths: dict[str, Any] = {}
    tags: dict[str, str] = {}
    for route in routes:
        for method, controller, endpoint in declared(route):
            tag, about = _tag(controller)
            tags[tag] = about
            operation = _operation(route, controller, endpoint, schemas)
            listed = "get" if method == ANY_METHOD else method.lower()
            paths.setdefault(path_of(route), {})[listed] = {"tags": [tag], **operation}
    faults = {
        str(status.value): _fault(status, schemas)
        for status in sorted({*_ALWAYS, *_OF_ERRORS})
        if any(_lists(operation, status) for path in paths.values() for operation in path.values())
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "metering",
            "version": __version__,
            "description": (
                "Numbers are exact decimals. XML has the same fields: lists as `item`, objects of "
                "free keys as `item` with `key` and `value`."
            ),
        },
        "tags": [{"name": name, "description": about} for name, about in tags.items()],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": faults,
            "headers": _HEADERS,
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def declared(route: Route) -> Iterator[tuple[str, Controller, Endpoint]]:
    """The controllers of the route, by method, that declare what they take and answer."""
    for method, controller in route.verbs.items():
        endpoint = getattr(controller, "endpoint", None)
        if endpoint is not None:
            yield method, controller, endpoint


def path_of(route: Route) -> str:
    """The path template, as OpenAPI writes it."""
    return route.template.replace("...}", "}")


def wire_names(name: str, datatype: Any) -> list[tuple[str, Any]]:
    """A declared parameter by the names under which it is sent, each with its type."""
    if isinstance(datatype, list) and issubclass(datatype[0], wtypes.Base):
        parts = [attribute.name for attribute in wtypes.list_attributes(datatype[0])]
        return [(f"{name}.{part}", [str]) for part in parts]
    return [(name, datatype)]


def _tag(controller: Callable[..., Any]) -> tuple[str, str]:
    owner = type(controller.__self__)  # type: ignore[attr-defined] # controllers are methods
    return owner.__name__.removesuffix("Controller").lower(), inspect.getdoc(owner) or ""


def _operation(
    route: Route, controller: Controller, endpoint: Endpoint, schemas: Schemas
) -> dict[str, Any]:
    summary, _, more = (inspect.getdoc(controller) or "").partition("\n\n")
    operation = {
        "operationId": f"{_tag(controller)[0]}_{controller.__name__}",
        "summary": _one_line(summary),
        "description": "\n\n".join(_one_line(one) for one in more.split("\n\n")),
        "parameters": [
            *_path_parameters(route),
            *_query_parameters(endpoint),
            *_header_parameters(endpoint),
        ],
        "responses": _responses(route, endpoint, schemas),
        "security": [] if is_public({"PATH_INFO": path_of(route)}) else [{_TOKEN: []}, {}],
    }
    if endpoint.body is not None:
        types = endpoint.body.types.items()
        content = {form: {"schema": schemas.of(datatype)} for form, datatype in types}
        operation["requestBody"] = {"required": True, "content": content}
    return {name: value for name, value in operation.items() if value}


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _path_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for segment in route.template.split("/"):
        if segment.startswith("{"):
            name = segment.strip("{.}")
            bounds = _known(name).bounds if segment.endswith("...}") else {"pattern": "^[^/]+$"}
            schema = {"type": "string", "minLength": 1, **bounds}
            yield {**_parameter(name, "path", schema), "required": True}


def _query_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for declared_name, declared_type in endpoint.parameters.items():
        for name, datatype in wire_names(declared_name, declared_type):
            if isinstance(datatype, list):
                schema = {"type": "array", "items": _scalar(name, datatype[0])}
                schema |= _known(name).list_bounds
                yield {**_parameter(name, "query", schema), "style": "form", "explode": True}
            else:
                yield _parameter(name, "query", _scalar(name, datatype))


def _header_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    for name in endpoint.body.headers if endpoint.body else ():
        yield _parameter(name, "header", _scalar(name, str))


def _parameter(name: str, place: str, schema: Schema) -> dict[str, Any]:
    known = _known(name)
    said = {"name": name, "in": place, "description": known.description, "schema": schema}
    return {**said, "required": True} if known.is_required else said


def _scalar(name: str, datatype: Any) -> Schema:
    """A switch is a text: it takes any."""
    if isinstance(datatype, Truth):
        return {"type": "string", "description": inspect.getdoc(Truth)}
    return {"type": {int: "integer", str: "string"}[datatype], **_known(name).bounds}


def _known(name: str) -> Parameter:
    return PARAMETERS.get(name, Parameter(""))


def _responses(route: Route, endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    listed = {}
    for status in sorted({*endpoint.statuses, *_faults_of(route, endpoint)}):
        if status < HTTPStatus.BAD_REQUEST:
            listed[str(int(status))] = _answer(HTTPStatus(status), endpoint, schemas)
        else:
            listed[str(int(status))] = {"$ref": f"#/components/responses/{int(status)}"}
    return listed


def _answer(status: HTTPStatus, endpoint: Endpoint, schemas: Schemas) -> dict[str, Any]:
    of_parameters = _HEADERS_OF_PARAMETERS.items()
    more = [header for name, header in of_parameters if name in endpoint.parameters]
    schema = schemas.of(endpoint.returns)
    return {
        "description": status.phrase,
        "headers": _headers(HEADER, *more),
        "content": _content(endpoint.forms, schema),
    }


def _headers(*names: str) -> dict[str, Schema]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(forms: Iterable[str], schema: Schema) -> dict[str, Any]:
    """Schemas are those of JSON; lines are text to a document."""
    of_form: dict[str, Schema] = {NDJSON: {"schema": _LINES}, CSV: {"schema": _TABLE}}
    of_form |= {form: {} for form in XML}
    return {form: of_form.get(form, {"schema": schema}) for form in forms}


def _faults_of(route: Route, endpoint: Endpoint) -> set[HTTPStatus]:
    """What may be wrong with a request; those who read nothing of it find less."""
    if endpoint.definition is None:
        return {*_ALWAYS}
    of_path = {HTTPStatus.NOT_FOUND} if "{" in route.template else set()
    return {*_ALWAYS, *_OF_ERRORS, *of_path} - (_WHERE_DECLARED - of_path)


def _lists(operation: dict[str, Any], status: HTTPStatus) -> bool:
    return str(status.value) in operation["responses"]


def _fault(status: HTTPStatus, schemas: Schemas) -> dict[str, Any]:
    """An error, in the words of the errors that have its status."""
    words = [_one_line(inspect.getdoc(kind) or "") for kind, its in STATUS.items() if its is status]
    more = ["WWW-Authenticate"] if status is HTTPStatus.UNAUTHORIZED else []
    return {
        "description": " ".join(words) or status.description or status.phrase,
        "headers": _headers(HEADER, *more),
        "content": _content((JSON, *XML), schemas.of(ErrorBody)),
    }
