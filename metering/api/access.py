"""Who asks, and who may do what: identity as the configuration says, rights by the rules."""

from metering.api.callers.api_keys import ApiKeys
from metering.api.callers.identity import Environ, Identify
from metering.api.callers.keystone import KeystoneTokens
from metering.api.callers.proxy import ProxyHeaders
from metering.api.callers.public import is_public
from metering.api.callers.rules import ADMINISTERS, READS_ALL, WRITES, Rules
from metering.api.scope import Caller
from metering.config import ApiConfig, Config
from metering.errors import Forbidden

_OPEN = "none"


class Access:
    """Decides by the options and the rules of a configuration."""

    def __init__(self, config: Config) -> None:
        """Take the configuration.

        Raises:
            Misconfigured: callers cannot be known as it says.
        """
        self._is_open = config.api.auth == _OPEN
        self._identify = _identify_by(config.api)
        self._rules = Rules(config)

    def identify(self, environ: Environ) -> Caller:
        """The caller of a request; of what everybody may ask, nobody.

        With `auth = none` everyone is an administrator and identity headers mean nothing.

        Raises:
            Unauthenticated: nobody who is known here.
            Unauthorized: the headers come from elsewhere than a trusted proxy.
            Forbidden: known, and without any right here.
        """
        if self._is_open:
            return Caller(is_admin=True)
        if is_public(environ):
            return Caller()
        known = self._identify(environ)
        return Caller(
            project_id=known.project_id,
            user_id=known.user_id,
            roles=known.roles,
            system_scope=known.system_scope,
            is_admin=self._rules.allow(ADMINISTERS, known),
            reads_all=self._rules.allow(READS_ALL, known),
        )

    def check(self, rule: str, caller: Caller) -> None:
        """Refuse what the rule does not allow the caller; without authentication, nothing.

        Whatever the rules are, who has neither a project nor the right to write for all has
        nobody to write for.

        Raises:
            Forbidden: it is not allowed, or the caller has no scope in which to do it.
        """
        if self._is_open:
            return
        is_of_somebody = caller.is_admin or caller.project_id
        has_scope = caller.scope and (is_of_somebody or rule != WRITES)
        if not (has_scope and self._rules.allow(rule, caller)):
            raise Forbidden("RBAC Authorization Failed")


def _identify_by(api: ApiConfig) -> Identify:
    if api.auth == "keys":
        return ApiKeys(api)
    if api.auth == "keystone":
        return KeystoneTokens()
    return ProxyHeaders(api)
