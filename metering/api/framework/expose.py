"""The only file that knows how Pecan and WSME meet.

Stock `wsexpose` answers 500 to malformed input, pairs the parts of `q` wrongly, lets parameters
replace parts of the path and swallows every exception. Here WSME reads declared parameters and
nothing more, after what it would misread has been refused; bodies are left to the controller; and
every error goes on to Pecan's hook (`metering.api.faults`).
"""

import copy
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial, wraps
from typing import IO, Any
from urllib.parse import parse_qsl

import msgspec
import pecan
import wsme.api
import wsme.exc
import wsme.rest.args
import wsme.types as wtypes
from webob import Request, Response
from webob.multidict import MultiDict, NestedMultiDict

from metering.api.exchange.observed import PROJECT, outcomes_of
from metering.api.faults import excuse
from metering.api.forms.csv import Columns
from metering.api.forms.lines import LINE_FORMS, StreamedResponse, write_lines
from metering.api.forms.media import FORM, JSON, JSON_TYPES, XML, check_media_type
from metering.api.forms.render import render
from metering.api.framework.declare import INTEGER, AggregateChoice, Condition, given
from metering.api.framework.routing import ARGUMENTS
from metering.api.scope import Caller
from metering.api.services import Services
from metering.errors import InvalidQuery, InvalidRequest, TooLarge, UnsupportedMedia

# Of the name of a parameter in a query string what is declared: `q` of `q.field`.
_DECLARED = re.compile(r"[^.\[]*")
_LONGEST_FAULT = 200
# Twice what a URL may have; WSME takes milliseconds for each KiB of conditions.
_MOST_PARAMETER_BYTES = 64 * 1024
_PARTS = {Condition: "q", AggregateChoice: "aggregate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as a controller sees it.

    `url` is that of the request without its query, `parameters` what was asked, in the names and
    the order of a query string, however it came.
    `form` is the media type of the answer.
    `outcomes` is where it counts what became of samples, for the log and the metrics.
    """

    caller: Caller
    application_url: str
    url: str
    parameters: tuple[tuple[str, str], ...]
    form: str
    idempotency_key: str | None
    content_type: str
    body: bytes
    outcomes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer with more than its value: another status, the URL of the next page, headers.

    `columns` are what CSV needs to know of the rows before the first.
    """

    value: Any
    status: int | None = None
    next_url: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    columns: Columns = field(default_factory=Columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A body that the controller reads: its type by media type, and the headers that it heeds."""

    types: Mapping[str, Any]
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What a controller declares: the type of its answer, its parameters and its body.

    The first status is the usual one; those that any endpoint may answer are not listed. Without
    a `definition` nothing of the request is read, not even who sent it.
    """

    returns: Any
    forms: tuple[str, ...]
    statuses: tuple[int, ...] = (200,)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Body | None = None
    definition: Any = None


def expose(
    returns: Any,
    *,
    rule: str | None = None,
    statuses: tuple[int, ...] = (200,),
    body: Body | None = None,
    forms: tuple[str, ...] = (JSON, *XML),
    **parameters: Any,
) -> Callable[..., Any]:
    """Expose a controller method (self, call, *path arguments, **parameters) to Pecan.

    Parameters that were not sent are not passed. The rule says who may call it; without one,
    everybody may. The answer is a value of the type `returns`, or a Reply; it is written in the
    form that Pecan found the client to accept. With ROWS it is a list, or has one in its field
    `rows`; in the forms of LINE_FORMS that may be any iterable: it is read while it is sent.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        endpoint = Endpoint(
            returns=returns,
            parameters=parameters,
            statuses=statuses,
            body=body,
            forms=forms,
            definition=_definition(method, parameters),
        )

        @wraps(method)
        def controller(self: Any, request: Request, response: Response) -> Response:
            del response
            call = _read_call(request, self.services)
            if rule is not None:
                self.services.access.check(rule, call.caller)
            path = request.environ[ARGUMENTS]
            found = _read_parameters(endpoint, request, call)
            call = replace(call, parameters=tuple(_in_a_query_string(found)))
            reply = method(self, call, *path, **found)
            return _write(reply, endpoint, request)

        del controller.__wrapped__  # Pecan must see this signature
        controller.endpoint = endpoint  # type: ignore[attr-defined]
        for content_type in (*forms, JSON):  # the first is preferred, the last the default
            pecan.expose(content_type=content_type)(controller)
        return controller

    return decorate


def _definition(method: Callable[..., Any], parameters: Mapping[str, Any]) -> Any:
    definition = wsme.api.FunctionDefinition(method)
    definition.set_options()
    for name, datatype in parameters.items():
        definition.arguments.append(wsme.api.FunctionArgument(name, datatype, False, None))
    definition.resolve_types(wtypes.registry)
    return definition


def _read_call(request: Request, services: Services) -> Call:
    caller = services.access.identify(request.environ)
    request.environ[PROJECT] = caller.project_id
    return Call(
        caller=caller,
        application_url=request.application_url,
        url=request.path_url,
        parameters=(),
        form=request.pecan["content_type"],
        idempotency_key=request.headers.get("Idempotency-Key") or None,
        content_type=request.content_type.lower(),
        body=_read_body(request, services.config.max_body_bytes),
        outcomes=outcomes_of(request.environ),
    )


def _read_body(request: Request, limit: int) -> bytes:
    encoding = request.headers.get("Content-Encoding") or "identity"
    if encoding.lower() != "identity":
        raise UnsupportedMedia(f"content encoding not supported: {encoding[:100]}")
    length = request.content_length if request.is_body_readable else 0
    if (length or 0) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    try:
        body = _read_whole(request.body_file_raw, limit + 1 if length is None else length)
    except OSError:
        raise InvalidRequest("the body ended early") from None
    if len(body) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    if len(body) < (length or 0):
        raise InvalidRequest("the body ended early")
    return body


def _read_whole(file: IO[bytes], length: int) -> bytes:
    """So many bytes, or what there is: in one piece as a rule, so that nothing is copied."""
    parts = []
    while length > 0 and (part := file.read(length)):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _read_parameters(endpoint: Endpoint, request: Request, call: Call) -> dict[str, Any]:
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


def _in_a_query_string(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
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


def _write(reply: Any, endpoint: Endpoint, request: Request) -> Response:
    if not isinstance(reply, Reply):
        reply = Reply(value=reply)
    content_type = request.pecan["content_type"]
    if content_type in LINE_FORMS:
        lines = write_lines(reply.value, endpoint.returns, content_type, reply.columns)
        streamed = StreamedResponse(lines, content_type, partial(excuse, request.environ))
        streamed.headers.update(reply.headers)
        return streamed
    response = Response(
        body=render(reply.value, endpoint.returns, content_type),
        status=reply.status or endpoint.statuses[0],
        content_type=content_type,
        charset="utf-8" if content_type in XML else None,
    )
    response.headers.update(reply.headers)
    if reply.next_url:
        response.headers["Link"] = f'<{reply.next_url}>; rel="next"'
    return response
