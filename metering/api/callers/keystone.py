"""`[api] auth = keystone`: what Keystone said of a token becomes an identity."""

from metering.api.callers.identity import Environ, Identity
from metering.errors import Forbidden, Unauthenticated

NO_TOKEN = "a valid token of Keystone is required"  # noqa: S105 - a sentence


class KeystoneTokens:
    """Knows callers by what Keystone said of their tokens.

    That is read from the answer itself, which no client can send, and not from the headers that
    are made of it: OpenStack-System-Scope is, with an X-Service-Token, that of the service, and
    X-Is-Admin-Project is "True" for everybody.
    """

    def __call__(self, environ: Environ) -> Identity:
        """Whose token it is.

        Raises:
            Unauthenticated: it was let through unconfirmed (`delay_auth_decision`).
            Forbidden: it is of neither a project nor the whole system.
        """
        said = environ.get("keystone.token_info")
        if environ.get("HTTP_X_IDENTITY_STATUS") != "Confirmed" or not isinstance(said, dict):
            raise Unauthenticated(NO_TOKEN, challenge="")
        token = said["token"]
        project_id = token.get("project", {}).get("id")
        is_of_system = token.get("system", {}).get("all") is True
        if not (project_id or is_of_system):
            raise Forbidden("a project-scoped or system-scoped token is required")
        return Identity(
            project_id=project_id,
            user_id=token["user"]["id"],
            roles=tuple(role["name"] for role in token.get("roles", [])),
            system_scope="all" if is_of_system else None,
        )
