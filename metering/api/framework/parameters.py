"""How declared parameters are read: the only file that knows how WSME reads them.

Stock WSME pairs the parts of `q` wrongly, and fails on malformed input. Here it reads declared
parameters and nothing more, after what it would misread has been refused.
"""

import copy
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import wsme.api
import wsme.exc
import wsme.rest.args
import wsme.types as wtypes
from webob import Request
from webob.multidict import MultiDict, NestedMultiDict

from metering.api.forms.media import FORM, JSON, JSON_TYPES, check_media_type
from metering.api.framework.declare import INTEGER, AggregateChoice, Condition, given
from metering.api.framework.endpoint import Call, Endpoint
from metering.errors import InvalidQuery, InvalidRequest, TooLarge

# Of the name of a parameter in a query string what is declared: `q` of `q.field`.
_DECLARED = re.compile(r"[^.\[]*")
_LONGEST_FAULT = 200
# Twice what a URL may have; WSME takes milliseconds for each KiB of conditions.
_MOST_PARAMETER_BYTES = 64 * 1024
_PARTS = {Condition: "q", AggregateChoice: "aggregate"}


def define(method: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    """What WSME has to know of a method to read its parameters."""
    definition = wsme.api.FunctionDefinition(method)
    definition.set_options()
    for name, datatype in parameters.items():
        definition.arguments.append(wsme.api.FunctionArgument(name, datatype, False, None))
    definition.resolve_types(wtypes.registry)
    return definition


def read_parameters(endpoint: Endpoint, request: Request, call: Call) -> dict[str, Any]:
    """The declared parameters that were sent: in the query string, a form, or a JSON body."""
    params = request.GET
    body = b""
    if call.body and call.content_type == FORM and endpoint.body is not None:
        # What curl says of `-d` unless it is told: it would be read as parameters without a sense.
        wanted = " or ".join(endpoint.body.types)
        raise InvalidRequest(f"the body was sent as {FORM}; its Content-Type must be {wanted}")
    if call.body and call.content_type == FORM:
        params = NestedMultiDict(params, _read_form(_bounded(call.body)))
    elif call.body and endpoint.body is None:
        body = _checked_json(call)
    sent = {_DECLARED.match(name)[0] for name in params}  # type: ignore[index] # any text matches
    _refuse_what_wsme_misreads(endpoint, params, sent)
    definition = endpoint.definition
    if not body:
        # WSME looks through all that was sent for each parameter that it knows of.
        definition = copy.copy(definition)
        definition.arguments = [one for one in definition.arguments if one.name in sent]
    try:
        _, found = wsme.rest.args.get_args(
            definition, (), {}, params, None, body, JSON if body else ""
        )
    except wsme.exc.UnknownArgument as error:
        # WSME lists them from a set: in another order in each process.
        names = ", ".join(sorted(error.argname.split(", ")))[:_LONGEST_FAULT]
        raise InvalidRequest(f'Unknown argument: "{names}"', field=names) from None
    except wsme.exc.ClientSideError as error:
        field = getattr(error, "fieldname", None)
        raise InvalidRequest(error.faultstring[:_LONGEST_FAULT], field=field) from error
    except (
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise InvalidRequest("malformed parameters") from error
    _refuse_what_wsme_let_through(endpoint, found)
    return {name: value for name, value in found.items() if given(value) not in (None, [])}


def in_a_query_string(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The parameters as a query string has them, also where they came in a body."""
    for name, value in found.items():
        if not isinstance(value, list):
            yield name, str(value)
        elif not isinstance(value[0], wtypes.Base):
            yield from ((name, str(item)) for item in value)
        else:
            for attribute in wtypes.list_attributes(type(value[0])):
                texts = [given(getattr(item, attribute.key)) for item in value]
                if any(text is not None for text in texts):
                    yield from ((f"{name}.{attribute.name}", text or "") for text in texts)


def _checked_json(call: Call) -> bytes:
    """The body, if it is JSON: Python's parser, which WSME uses, takes NaN and lone surrogates."""
    check_media_type(call.content_type, JSON_TYPES)
    try:
        msgspec.json.decode(_bounded(call.body))
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise InvalidRequest("Request is not in valid JSON format") from None
    return call.body


def _bounded(body: bytes) -> bytes:
    if len(body) > _MOST_PARAMETER_BYTES:
        raise TooLarge(f"parameters in a body have at most {_MOST_PARAMETER_BYTES} bytes")
    return body


def _read_form(body: bytes) -> MultiDict:
    try:
        return MultiDict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict"))
    except ValueError:
        raise InvalidRequest("the form is not valid UTF-8") from None


def _refuse_what_wsme_misreads(endpoint: Endpoint, params: Any, sent: Collection[str]) -> None:
    for name, datatype in endpoint.parameters.items():
        if name not in sent:
            continue
        values = params.getall(name)
        if isinstance(datatype, list):
            if datatype[0] in _PARTS:
                _refuse_ragged(_PARTS[datatype[0]], params, values)
        elif len(values) > 1:
            raise InvalidRequest(f"Parameter {name} was given several times", field=name)
        elif values and datatype is int and not INTEGER.fullmatch(values[0]):
            message = (
                f"Invalid input for field/attribute {name}. Value: '{values[0][:100]}'. "
                "unable to convert to int"
            )
            raise InvalidRequest(message, field=name)


def _refuse_what_wsme_let_through(endpoint: Endpoint, found: Mapping[str, Any]) -> None:
    """WSME takes null in lists, and any JSON value for a text."""
    for name, value in found.items():
        datatype = endpoint.parameters[name]
        if isinstance(datatype, list) and None in given(value, []):
            raise InvalidRequest(f"{name} must not hold null", field=name)
        texts = given(value, []) if datatype == [str] else [given(value, "")]
        if datatype in (str, [str]) and not all(isinstance(one, str) for one in texts):
            raise InvalidRequest(f"{name} must be text", field=name)


def _refuse_ragged(name: str, params: Any, whole: list[str]) -> None:
    """WSME pairs the n-th part of each kind, so parts that were left out shift the rest."""
    if whole:
        raise InvalidQuery(f"{name} is given in parts, as {name}.<part>", field=name)
    if name == "aggregate":
        funcs, extra = len(params.getall("aggregate.func")), len(params.getall("aggregate.param"))
        if extra > funcs:
            message = f"{extra} aggregate.param for {funcs} aggregate.func"
            raise InvalidQuery(message, field="aggregate")
        return
    fields, ops, values, types = (
        len(params.getall(f"q.{part}")) for part in ("field", "op", "value", "type")
    )
    if fields != values or ops not in (0, fields) or types not in (0, fields):
        message = (
            "give each part of q equally often, or leave out op or type altogether: "
            f"{fields} q.field, {ops} q.op, {values} q.value, {types} q.type"
        )
        raise InvalidQuery(message, field="q")
