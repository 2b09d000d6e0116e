"""Errors over HTTP: the only table from error to status, and the one shape that clients see."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from xml.etree import ElementTree as ET

from pecan.hooks import PecanHook
from webob import Response, exc
from webob.acceptparse import create_accept_header

from metering import errors
from metering.api.exchange import request_id
from metering.api.exchange.observed import FAULT
from metering.api.forms.media import JSON, XML
from metering.api.forms.render import render
from metering.api.forms.xml import write_xml, xml_tree

LOG = logging.getLogger(__name__)

# nginx's number for a request whose client has gone. HTTP has none, for nobody reads it but who has
# the log; or a client that says nothing more and yet listens.
CLIENT_CLOSED_REQUEST = 499

STATUS: dict[type[errors.MeteringError], HTTPStatus | int] = {
    errors.InvalidRequest: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Unauthorized: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Gone: HTTPStatus.GONE,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMedia: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.IdentityUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QueryTooExpensive: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Abandoned: CLIENT_CLOSED_REQUEST,
    errors.Misconfigured: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NotReady: HTTPStatus.SERVICE_UNAVAILABLE,
}

_OURS = HTTPStatus.INTERNAL_SERVER_ERROR

_ROUTING_WORDS = {
    404: "The resource could not be found.",
    405: "The method is not allowed for this resource.",
    406: "The answer has no form that is accepted; JSON it always has.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBody:
    """What went wrong, in v2's words."""

    faultcode: str
    faultstring: str
    debuginfo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBody:
    """The one shape of every error."""

    error_message: FaultBody


class FaultHook(PecanHook):
    """Makes every error an answer; nothing internal gets out."""

    def on_error(self, state: Any, error: Exception) -> Response:
        """The answer for the error, in the form that the client accepts best."""
        environ = state.request.environ
        response = _noted(error, environ, str(environ.get("HTTP_ACCEPT", "")))
        if isinstance(error, exc.HTTPMethodNotAllowed) and error.allow:
            response.allow = error.allow
        return response


def excuse(environ: dict[str, Any], error: Exception) -> bytes:
    """What an answer that breaks off says in the end: the error in JSON, but for its last brace.

    So it is no row, and no JSON either.
    """
    is_fault = not isinstance(error, errors.Abandoned)
    LOG.log(logging.ERROR if is_fault else logging.INFO, "an answer of status 200 breaks off")
    body: bytes = _noted(error, environ, JSON).body
    return body[:-1]


def _noted(error: Exception, environ: dict[str, Any], accept: str) -> Response:
    environ[FAULT] = getattr(error, "code", None)
    return respond(error, accept)


def respond(error: Exception, accept: str) -> Response:
    """The one shape of an error, with its status."""
    status, text = _status_and_text(error)
    text = text.encode(errors="backslashreplace").decode()  # clients may send lone surrogates
    fault = FaultBody(faultcode="Server" if status >= _OURS else "Client", faultstring=text)
    content_type = _best_form(accept)
    if content_type in XML:
        envelope = ET.Element("error_message")
        envelope.append(xml_tree(fault, FaultBody, "error"))
        body = write_xml(envelope)
    else:
        body = render(ErrorBody(error_message=fault), ErrorBody, JSON)
    response = Response(body=body, status=int(status), content_type=content_type, charset="utf-8")
    if isinstance(error, errors.Unauthenticated) and error.challenge:
        response.headers["WWW-Authenticate"] = error.challenge
    return response


def _status_and_text(error: Exception) -> tuple[int, str]:
    for kind in type(error).__mro__:
        if kind in STATUS:
            if STATUS[kind] >= _OURS:
                LOG.warning("%s: %s", type(error).__name__, error, exc_info=error.__cause__)
            return STATUS[kind], str(error)
    if isinstance(error, exc.HTTPException) and error.status_int < _OURS:
        return error.status_int, _ROUTING_WORDS.get(error.status_int, error.title)
    LOG.error("internal error", exc_info=error)
    return _OURS, f"internal error; the log has more under {request_id.current()}"


def _best_form(accept: str) -> str:
    offers = create_accept_header(accept or None).acceptable_offers([JSON, *XML])
    return offers[0][0] if offers else JSON
