"""Who asks, and who may do what: identity by configuration, rights by oslo.policy's rules.

The rules have the names that Ceilometer's operators know. One that the operator's file does not
name falls back to the file's `default` if it has one, as in v2; else to what stands here.
"""

from collections.abc import Mapping
from dataclasses import replace

from oslo_policy import policy

from metering.api.scope import Caller
from metering.config import Config
from metering.errors import Forbidden, Unauthorized

_ANYBODY = ""

RULES = (
    policy.RuleDefault("context_is_admin", "role:admin", "Who is an administrator."),
    policy.RuleDefault(
        "segregation",
        "rule:context_is_admin",
        "Who sees and writes all projects; everybody else only the own.",
    ),
    policy.RuleDefault("telemetry:get_meters", _ANYBODY, "List meters."),
    policy.RuleDefault("telemetry:get_samples", _ANYBODY, "List samples."),
    policy.RuleDefault("telemetry:get_sample", _ANYBODY, "Show a sample."),
    policy.RuleDefault("telemetry:query_sample", _ANYBODY, "Query samples with a filter."),
    policy.RuleDefault("telemetry:create_samples", _ANYBODY, "Record samples."),
    policy.RuleDefault("telemetry:compute_statistics", _ANYBODY, "Compute statistics."),
    policy.RuleDefault("telemetry:get_resources", _ANYBODY, "List resources."),
    policy.RuleDefault("telemetry:get_resource", _ANYBODY, "Show a resource."),
)
# These two decide on scope; the file's `default` is for what may be done.
_ON_SCOPE = frozenset({"context_is_admin", "segregation"})


def list_rules() -> list[policy.RuleDefault]:
    """The rules, for oslopolicy-sample-generator."""
    return list(RULES)


class Access:
    """Decides by the options and the rules of a configuration."""

    def __init__(self, config: Config) -> None:
        """Take the configuration; [oslo_policy] policy_file names the file of rules."""
        self._api = config.api
        self._enforcer = policy.Enforcer(config.oslo)
        self._enforcer.register_defaults(RULES)

    def identify(self, environ: Mapping[str, object]) -> Caller:
        """The caller of a request.

        With `auth = none` everyone is an administrator and identity headers mean nothing. With
        `auth = headers` X-Project-Id, X-User-Id and X-Roles (names between commas, compared
        without case) are believed if the request comes from a trusted proxy.

        Raises:
            Unauthorized: the headers come from elsewhere.
        """
        if self._api.auth == "none":
            return Caller(is_admin=True)
        if str(environ.get("REMOTE_ADDR") or "") not in self._api.trusted_proxies:
            raise Unauthorized("identity headers are believed from trusted proxies only")
        caller = Caller(
            project_id=_header(environ, "HTTP_X_PROJECT_ID") or None,
            user_id=_header(environ, "HTTP_X_USER_ID") or None,
            roles=tuple(_header(environ, "HTTP_X_ROLES").split(",")),
        )
        return replace(caller, is_admin=self._allows("segregation", caller))

    def check(self, rule: str, caller: Caller) -> None:
        """Refuse what the rule does not allow the caller; without authentication, nothing.

        Raises:
            Forbidden: it is not allowed, or the caller has no scope in which to do it.
        """
        if self._api.auth != "none" and not (caller.scope and self._allows(rule, caller)):
            raise Forbidden("RBAC Authorization Failed")

    def _allows(self, rule: str, caller: Caller) -> bool:
        self._enforcer.load_rules()
        in_file = self._enforcer.file_rules
        if rule not in in_file and rule not in _ON_SCOPE and "default" in in_file:
            rule = "default"
        credentials = {
            "roles": list(caller.roles),
            "project_id": caller.project_id,
            "user_id": caller.user_id,
        }
        return bool(self._enforcer.enforce(rule, {}, credentials))


def _header(environ: Mapping[str, object], name: str) -> str:
    """A header as text: WSGI gives bytes as Latin-1, clients send UTF-8."""
    return str(environ.get(name, "")).encode("latin-1").decode("utf-8", "replace")
