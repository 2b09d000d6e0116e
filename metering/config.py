"""Every option, in one table, and how the file is found; below here nobody sees oslo.config."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from oslo_config import cfg, types

from metering.errors import Misconfigured
from metering.retention import FOR_EVER, Policy

FILE_VARIABLE = "METERING_CONFIG_FILE"
DEFAULT_FILE = Path("/etc/metering/metering.conf")

# oslo.config quotes a line that it cannot read, which may be that of the connection.
_PASSWORD = re.compile(r"//\S*@")
# How oslo.config says in which file, or variable, an option stands.
_LOCATION = re.compile(r"from LocationInfo\(.*?detail='([^']*)'\)")

_MOST_DAYS = 36_500
MOST_SECONDS = _MOST_DAYS * 86_400

_OPTIONS: dict[str, list[cfg.Opt]] = {
    "database": [
        cfg.StrOpt(
            "connection",
            default="mongodb://localhost:27017/metering",
            secret=True,
            help="URL of the store. Its scheme chooses the driver: "
            "mongodb://user:password@host1,host2/database?replicaSet=name for MongoDB, "
            "sqlite:////path/to/file.db for a small site, memory:// for a first look. In a user "
            "name or password, percent-encode what is not a letter or digit.",
        ),
    ],
    "api": [
        cfg.HostAddressOpt(
            "host",
            default="127.0.0.1",
            help="Address that metering-api listens on. uwsgi has its own, in its ini file.",
        ),
        cfg.PortOpt(
            "port",
            default=8777,
            help="TCP port that metering-api listens on; 0 takes a free one, which is printed.",
        ),
        cfg.IntOpt(
            "threads",
            default=8,
            min=1,
            max=256,
            help="How many requests metering-api answers at a time. uwsgi has its own number.",
        ),
        cfg.StrOpt(
            "auth",
            default="none",
            choices=[
                ("keystone", "each request has a token of Keystone; see [keystone_authtoken]"),
                ("none", "everyone is an administrator; for one machine or a closed network"),
                ("headers", "a proxy in front sets X-Project-Id, X-User-Id and X-Roles"),
                ("keys", "each request has one of the keys in keys_file"),
            ],
            help="How callers are known.",
        ),
        cfg.StrOpt(
            "keys_file",
            help="The file of API keys, for auth = keys; written by metering-manage key. It has "
            "digests only.",
        ),
        cfg.BoolOpt(
            "insecure",
            default=False,
            help="Allow auth = none where others can reach the service: on an address other than "
            "loopback, or under uwsgi.",
        ),
        cfg.ListOpt(
            "trusted_proxies",
            item_type=types.IPAddress(),
            default=["127.0.0.1", "::1"],
            help="IP addresses, separated by commas, whose identity headers are believed when "
            "auth = headers.",
        ),
        cfg.IntOpt(
            "default_limit",
            default=100,
            min=1,
            help="How many rows a list has when no limit is asked for, and at most max_limit.",
        ),
        cfg.IntOpt(
            "max_limit",
            default=10_000,
            min=1,
            help="The most rows of a list. A larger limit is cut to this, and the answer links to "
            "the next page. Usage of more rows is refused.",
        ),
        cfg.IntOpt(
            "max_statistics",
            default=50_000,
            min=1,
            help="The most rows of statistics; more are refused. So many take a worker some 150 "
            "to 250 MB while it answers. A row whose group has long texts counts once more for "
            "each 4096 characters.",
        ),
        cfg.IntOpt(
            "max_body_bytes",
            default=8 * 1024 * 1024,
            min=1,
            max=1024 * 1024 * 1024,
            help="The largest body of a request, in bytes; beyond it the answer is 413. Under "
            "uwsgi keep limit-post of the ini file well above it.",
        ),
        cfg.IntOpt(
            "max_samples",
            default=5_000,
            min=1,
            help="The most samples in the body of one request; beyond it the answer is 413.",
        ),
        cfg.IntOpt(
            "max_conditions",
            default=50,
            min=1,
            help="The most conditions in a q; beyond it the answer is 400.",
        ),
        cfg.IntOpt(
            "max_filter_depth",
            default=20,
            min=1,
            max=100,
            help="How deep a complex filter may be nested; beyond it the answer is 400.",
        ),
        cfg.FloatOpt(
            "query_timeout",
            default=30.0,
            min=0.1,
            max=3600,
            help="Seconds after which a question to the store is given up, and answered 503. "
            "Time that a client takes to read does not count.",
        ),
    ],
    "usage": [
        cfg.IntOpt(
            "max_gap",
            default=3600,
            min=1,
            max=MOST_SECONDS,
            help="Seconds for which a reading of a gauge holds at most, until the next one; what "
            "is longer is not billed. A request may say otherwise.",
        ),
    ],
    "retention": [
        cfg.IntOpt(
            "samples_days",
            default=FOR_EVER,
            min=0,
            max=_MOST_DAYS,
            help="How many whole days metering-manage expire leaves of samples before today (UTC). "
            "0 keeps them for ever.",
        ),
        cfg.Opt(
            "meter_days",
            type=types.Dict(types.Integer(min=0, max=_MOST_DAYS)),
            default={},
            sample_default="disk.read.bytes:90,instance:0",
            help="The same for single meters, instead of samples_days.",
        ),
    ],
    "log": [
        cfg.StrOpt(
            "format",
            default="text",
            choices=[
                ("text", "lines for people"),
                ("json", "an object a line, for programs; that of a request has its fields"),
            ],
            help="How the log is written, to stderr. No secret stands in it.",
        ),
        cfg.StrOpt(
            "level",
            default="INFO",
            choices=["DEBUG", "INFO", "WARNING", "ERROR"],
            help="What is logged at least. Each request is a line of INFO.",
        ),
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiConfig:
    """The options of group `api`."""

    host: str
    port: int
    threads: int
    auth: str
    insecure: bool
    keys_file: str | None
    trusted_proxies: tuple[str, ...]
    default_limit: int
    max_limit: int
    max_statistics: int
    max_body_bytes: int
    max_samples: int
    max_conditions: int
    max_filter_depth: int
    query_timeout_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LogConfig:
    """The options of group `log`."""

    format: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageConfig:
    """The options of group `usage`."""

    max_gap: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole configuration, checked.

    `oslo` is what oslo.config parsed, for OpenStack's libraries that read sections of their own
    from the same file: [oslo_policy], [cors].
    """

    connection: str
    api: ApiConfig
    log: LogConfig
    retention: Policy
    usage: UsageConfig
    oslo: cfg.ConfigOpts


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """The options by group, for oslo-config-generator."""
    return list(_OPTIONS.items())


def load(file: str | None = None, overrides: Sequence[tuple[str, str, object]] = ()) -> Config:
    """The configuration: a file if there is one, then overrides (group, option, value).

    The file is the one given, else that of the environment's METERING_CONFIG_FILE, else
    /etc/metering/metering.conf if it exists; else every option has its default.

    Raises:
        Misconfigured: the file cannot be read, or a value is not allowed.
    """
    conf = cfg.ConfigOpts()
    for group, options in _OPTIONS.items():
        conf.register_opts(options, group=group)
    files = _files(file)
    try:
        conf(args=[], project="metering", default_config_files=files, default_config_dirs=[])
        _refuse_unknown(files)
        for group, option, value in overrides:
            _override(conf, group, option, value)
        return _checked(conf)
    except (cfg.Error, ValueError) as error:
        raise Misconfigured(without_passwords(_LOCATION.sub(r"in \1", str(error)))) from None


def without_passwords(text: str) -> str:
    """The text, in which URLs name nobody."""
    return _PASSWORD.sub("//***@", text)


def _override(conf: cfg.ConfigOpts, group: str, option: str, value: object) -> None:
    try:
        conf.set_override(option, value, group=group)
    except ValueError as error:
        raise Misconfigured(f"[{group}] {option}: {error}") from None


def _files(file: str | None) -> list[str]:
    named = file or os.environ.get(FILE_VARIABLE)
    if named:
        if not Path(named).is_file():
            raise Misconfigured(f"the configuration file {named} does not exist")
        return [named]
    return [str(DEFAULT_FILE)] if DEFAULT_FILE.is_file() else []


def _refuse_unknown(files: Sequence[str]) -> None:
    """A misspelt option would be ignored; groups that are not ours are let be."""
    for file in files:
        groups: dict[str, dict[str, list[str]]] = {}
        cfg.ConfigParser(file, groups).parse()
        for group, options in _OPTIONS.items():
            unknown = groups.get(group, {}).keys() - {option.name for option in options}
            if unknown:
                raise Misconfigured(f"{file}: [{group}] has no option {min(unknown)[:40]}")


def _checked(conf: cfg.ConfigOpts) -> Config:
    api = conf.api
    return Config(
        connection=conf.database.connection,
        oslo=conf,
        log=LogConfig(format=conf.log.format, level=conf.log.level),
        retention=Policy(conf.retention.samples_days, conf.retention.meter_days),
        # Not conf.usage, which is ConfigOpts' own.
        usage=UsageConfig(max_gap=timedelta(seconds=conf["usage"].max_gap)),
        api=ApiConfig(
            host=api.host,
            port=api.port,
            threads=api.threads,
            auth=api.auth,
            insecure=api.insecure,
            keys_file=api.keys_file,
            trusted_proxies=tuple(api.trusted_proxies),
            default_limit=api.default_limit,
            max_limit=api.max_limit,
            max_statistics=api.max_statistics,
            max_body_bytes=api.max_body_bytes,
            max_samples=api.max_samples,
            max_conditions=api.max_conditions,
            max_filter_depth=api.max_filter_depth,
            query_timeout_seconds=api.query_timeout,
        ),
    )
