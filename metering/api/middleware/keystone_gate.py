"""keystonemiddleware around the application, for `[api] auth = keystone`.

It asks Keystone about each token, and removes what a client says of itself. What it refuses gets
the one shape of our errors.
"""

from collections.abc import Callable, Iterable
from typing import Any

from keystoneauth1.exceptions import ClientException
from keystonemiddleware.auth_token import AUTH_TOKEN_OPTS, AuthProtocol
from webob import Request, Response

from metering.api.callers.keystone import NO_TOKEN
from metering.api.callers.public import is_public
from metering.api.exchange.observed import FAULT
from metering.api.exchange.request_id import Wsgi
from metering.api.faults import respond
from metering.config import Config
from metering.errors import IdentityUnavailable, Misconfigured, Unauthenticated

_GROUP = "keystone_authtoken"
_ADMITTED = "metering.admitted"
# Keystonemiddleware would wait for ever for a Keystone that does not answer, and all threads with
# it; and try for some seconds where there is none.
_DEFAULTS = {"http_connect_timeout": 5, "http_request_max_retries": 1}


def set_defaults() -> None:
    """Say how long Keystone is waited for, unless [keystone_authtoken] says otherwise."""
    for _, options in AUTH_TOKEN_OPTS:
        for option in options:
            option.default = _DEFAULTS.get(option.name, option.default)


class KeystoneGate:
    """WSGI middleware that lets nobody in without a token, except to what is open to everybody."""

    def __init__(self, application: Wsgi, config: Config) -> None:
        """Wrap the application; Keystone is asked first when the first token comes.

        Raises:
            Misconfigured: [keystone_authtoken] does not say how to ask Keystone.
        """
        self._application = application
        set_defaults()
        try:
            self._protocol = AuthProtocol(
                _admitted(application), {"oslo_config_config": config.oslo}
            )
        except ClientException as error:
            raise Misconfigured(f"[{_GROUP}] {error}", field=f"[{_GROUP}]") from error
        options = config.oslo[_GROUP]
        if not (options.auth_type or options.auth_section):
            raise Misconfigured(f"auth = keystone needs [{_GROUP}] auth_type", field=f"[{_GROUP}]")

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Refuse, or let the application answer."""
        application = self._application if is_public(environ) else self._guarded
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    def _guarded(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        refusal: Exception
        try:
            response = Request(environ).get_response(self._protocol)
        except ClientException as error:
            refusal = IdentityUnavailable()
            refusal.__cause__ = error
        else:
            if _ADMITTED in environ:
                answer: Iterable[bytes] = response(environ, start_response)
                return answer
            refusal = _refusal(response)
        environ[FAULT] = getattr(refusal, "code", None)
        refused: Iterable[bytes] = respond(refusal, str(environ.get("HTTP_ACCEPT", "")))(
            environ, start_response
        )
        return refused


def _admitted(application: Wsgi) -> Wsgi:
    """The application, leaving a mark that it was reached: what it answers is no refusal."""

    def admit(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[_ADMITTED] = True
        return application(environ, start_response)

    return admit


def _refusal(response: Response) -> Exception:
    if response.status_int == 401:  # noqa: PLR2004 - its name is in the next line
        challenge = response.headers.get("WWW-Authenticate", "")
        return Unauthenticated(NO_TOKEN, challenge=challenge)
    return IdentityUnavailable()
