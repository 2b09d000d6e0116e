"""How Pecan calls a controller, and how its answer is written.

Stock `wsexpose` answers 500 to malformed input, lets parameters replace parts of the path and
swallows every exception. Here bodies are left to the controller, and every error goes on to Pecan's
hook (`metering.api.faults`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from typing import IO, Any

import pecan
from webob import Request, Response

from metering import asker
from metering.api.exchange.client import IS_GONE
from metering.api.exchange.observed import PROJECT, outcomes_of
from metering.api.faults import excuse
from metering.api.forms.lines import LINE_FORMS, StreamedResponse, write_lines
from metering.api.forms.media import JSON, XML
from metering.api.forms.render import render
from metering.api.framework.endpoint import Body, Call, Endpoint, Reply
from metering.api.framework.parameters import define, in_a_query_string, read_parameters
from metering.api.framework.routing import ARGUMENTS
from metering.api.services import Services
from metering.errors import InvalidRequest, TooLarge, UnsupportedMedia


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
    A question, which is what does not record, is not begun if its client has gone, and given up
    if it goes.
    """

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        endpoint = Endpoint(
            returns=returns,
            parameters=parameters,
            statuses=statuses,
            body=body,
            forms=forms,
            definition=define(method, parameters),
        )

        @wraps(method)
        def controller(self: Any, request: Request, response: Response) -> Response:
            del response
            has_gone = request.environ.get(IS_GONE, asker.never_gone)
            asker.begin(asker.never_gone if endpoint.records else has_gone)
            asker.require()
            call = _read_call(request, self.services)
            if rule is not None:
                self.services.access.check(rule, call.caller)
            path = request.environ[ARGUMENTS]
            found = read_parameters(endpoint, request, call)
            call = replace(call, parameters=tuple(in_a_query_string(found)))
            reply = method(self, call, *path, **found)
            return _write(reply, endpoint, request)

        del controller.__wrapped__  # Pecan must see this signature
        controller.endpoint = endpoint  # type: ignore[attr-defined]
        for content_type in (*forms, JSON):  # the first is preferred, the last the default
            pecan.expose(content_type=content_type)(controller)
        return controller

    return decorate


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
