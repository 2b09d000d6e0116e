"""What the rules are that decide who may do what: oslo.policy's, with a default for each.

The names of what can be asked are those that Ceilometer's operators know. A rule of them that the
operator's file does not name falls back to the file's `default` if it has one, as in v2; else to
what stands here.
"""

from pathlib import Path
from threading import Lock

from oslo_policy import policy

from metering.api.callers.identity import Identity
from metering.config import Config
from metering.errors import Misconfigured

ADMINISTERS = "segregation"
READS_ALL = "all_readers"
WRITES = "telemetry:create_samples"

_READ = f"rule:{READS_ALL} or rule:project_reader"
_WRITE = f"rule:{ADMINISTERS} or rule:project_member"


def _asked(
    name: str, check: str, text: str, *operations: tuple[str, str]
) -> policy.DocumentedRuleDefault:
    listed = [{"method": method, "path": path} for method, path in operations]
    return policy.DocumentedRuleDefault(name, check, text, listed)


# Who somebody is; the file's `default` is for what may be asked.
_WHO = (
    policy.RuleDefault("context_is_admin", "role:admin", "Who is an administrator."),
    policy.RuleDefault(
        ADMINISTERS,
        "rule:context_is_admin",
        "Who is confined to no project, neither to read nor to write; other rules say whether.",
    ),
    policy.RuleDefault(
        READS_ALL,
        "rule:context_is_admin or (role:reader and system_scope:all)",
        "Who reads all projects.",
    ),
    policy.RuleDefault(
        "project_reader",
        "role:reader or role:member or auth:headers",
        "Who reads the own project; behind a proxy (auth = headers) everybody, as in v2.",
    ),
    policy.RuleDefault(
        "project_member",
        "role:member or (auth:headers and not role:reader)",
        "Who writes for the own project; behind a proxy everybody who is not a mere reader.",
    ),
)

RULES = (
    *_WHO,
    _asked("telemetry:get_meters", _READ, "List meters.", ("GET", "/v2/meters")),
    _asked(
        "telemetry:get_samples",
        _READ,
        "List samples.",
        ("GET", "/v2/samples"),
        ("GET", "/v2/meters/{meter}"),
    ),
    _asked("telemetry:get_sample", _READ, "Show a sample.", ("GET", "/v2/samples/{id}")),
    _asked(
        "telemetry:query_sample",
        _READ,
        "Query samples with a filter.",
        ("POST", "/v2/query/samples"),
    ),
    _asked(
        WRITES,
        _WRITE,
        "Record samples.",
        ("POST", "/v2/samples"),
        ("POST", "/v2/meters/{meter}"),
    ),
    _asked(
        "telemetry:compute_statistics",
        _READ,
        "Compute statistics.",
        ("GET", "/v2/meters/{meter}/statistics"),
    ),
    _asked("telemetry:get_usage", _READ, "Show usage.", ("GET", "/v2/usage")),
    _asked(
        "telemetry:get_segments",
        _READ,
        "Take usage apart by values that change.",
        ("GET", "/v2/meters/{meter}/segments"),
    ),
    _asked("telemetry:get_resources", _READ, "List resources.", ("GET", "/v2/resources")),
    _asked("telemetry:get_resource", _READ, "Show a resource.", ("GET", "/v2/resources/{id}")),
    _asked(
        "telemetry:get_revisions", _READ, "List revisions of a resource.", ("GET", "/v2/revisions")
    ),
    _asked("telemetry:get_projects", _READ, "List projects.", ("GET", "/v2/projects")),
    _asked("telemetry:get_users", _READ, "List users.", ("GET", "/v2/users")),
    _asked("telemetry:get_sources", _READ, "List sources.", ("GET", "/v2/sources")),
    _asked(
        "telemetry:get_dimensions",
        _READ,
        "List dimensions, and the values of one.",
        ("GET", "/v2/dimensions"),
        ("GET", "/v2/dimensions/{name}/values"),
    ),
)
_NAMES_OF_WHO = frozenset(rule.name for rule in _WHO)


def list_rules() -> list[policy.RuleDefault]:
    """The rules, for oslopolicy-sample-generator."""
    return list(RULES)


class Rules:
    """Decides by the rules of a configuration, and of its file, which is read when it changes."""

    def __init__(self, config: Config) -> None:
        """Take the configuration; [oslo_policy] policy_file names the file of rules.

        Raises:
            Misconfigured: there is such a file, and it cannot be read.
        """
        self._config = config
        self._auth = config.api.auth
        self._enforcer = _enforcer(config)
        self._path: str | None = None
        # While it reads a changed file, the enforcer has a part of the rules only.
        self._lock = Lock()
        self._loaded()

    def allow(self, rule: str, identity: Identity) -> bool:
        """Whether the rule holds for the caller; names of roles are compared without case.

        Raises:
            Misconfigured: the file cannot be read as it is now; why, is for the log.
        """
        with self._lock:
            return self._decided(rule, identity)

    def _decided(self, rule: str, identity: Identity) -> bool:
        try:
            enforcer = self._loaded()
        except Misconfigured as error:
            raise Misconfigured("rights cannot be checked now") from error
        in_file = enforcer.file_rules
        if rule not in in_file and rule not in _NAMES_OF_WHO and "default" in in_file:
            rule = "default"
        credentials = {
            "auth": self._auth,
            "roles": list(identity.roles),
            "project_id": identity.project_id,
            "user_id": identity.user_id,
            "system_scope": identity.system_scope,
        }
        return bool(enforcer.enforce(rule, {}, credentials))

    def _loaded(self) -> policy.Enforcer:
        """The enforcer, with the rules as they are in the file now."""
        enforcer = self._enforcer
        try:
            enforcer.load_rules()
            self._path = enforcer.policy_path or self._path
            if self._path:
                Path(self._path).stat()  # when it is gone, the enforcer goes on with the defaults
        except Exception as error:  # whatever it is, the rules are not known
            # It has noted the file as read, and would go on with what it knew before.
            self._enforcer = _enforcer(self._config)
            reason = " ".join(str(error).split())
            message = f"the rules of [oslo_policy] policy_file cannot be read: {reason}"
            raise Misconfigured(message, field="[oslo_policy] policy_file") from error
        return enforcer


def _enforcer(config: Config) -> policy.Enforcer:
    """An enforcer that has read nothing yet."""
    enforcer = policy.Enforcer(config.oslo)
    enforcer.register_defaults(RULES)
    return enforcer
