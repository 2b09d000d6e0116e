"""`[api] auth = headers`: an authenticating proxy in front says who calls.

A header that is spelt with underscores (`X_Project_Id`) cannot be told from the right one behind
a WSGI server, so the proxy must drop it, as nginx and Apache do by themselves.
"""

from metering.api.callers.identity import Environ, Identity, header
from metering.config import ApiConfig
from metering.errors import Unauthorized


class ProxyHeaders:
    """Believes X-Project-Id, X-User-Id and X-Roles (names between commas) of trusted proxies.

    A system scope is nobody's here: a proxy that does not know of it would let clients send it.
    """

    def __init__(self, api: ApiConfig) -> None:
        """Take the addresses of the proxies."""
        self._proxies = api.trusted_proxies

    def __call__(self, environ: Environ) -> Identity:
        """Who the proxy says it is.

        Raises:
            Unauthorized: the headers come from elsewhere.
        """
        if str(environ.get("REMOTE_ADDR") or "") not in self._proxies:
            raise Unauthorized("identity headers are believed from trusted proxies only")
        return Identity(
            project_id=_name(environ, "X-Project-Id"),
            user_id=_name(environ, "X-User-Id"),
            roles=_roles(header(environ, "X-Roles")),
        )


def _roles(sent: str) -> tuple[str, ...]:
    """The roles to the letter, as in v2: one with a blank before it is another, and allows nothing.

    But for a reader's, which takes away: a header that was joined of two must not give it back.
    """
    roles = sent.split(",")
    return (*roles, *(role for role in map(str.strip, roles) if role.lower() == "reader"))


def _name(environ: Environ, of: str) -> str | None:
    """What the header says, to the letter; blanks alone are no name."""
    said = header(environ, of)
    return said if said.strip() else None
