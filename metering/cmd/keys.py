"""`metering-manage key`: make, show and revoke the keys of `[api] auth = keys`."""

import argparse
import sys
from collections.abc import Callable
from typing import Any

from metering import times
from metering.api.callers.identity import Identity
from metering.api.callers.rules import ADMINISTERS, READS_ALL, Rules, list_rules
from metering.config import Config
from metering.errors import Misconfigured
from metering.keys import Key, KeyFile

_DEFAULT_ROLE = "member"

Run = Callable[[Config, KeyFile, argparse.Namespace], int]


def add_key_commands(commands: Any) -> None:
    """Let `metering-manage` take `key create`, `key list` and `key revoke`."""
    text = "make, show and revoke API keys"
    keys = commands.add_parser("key", help=text, description=text)
    actions = keys.add_subparsers(required=True, metavar="ACTION")
    creating = _add(actions, "create", "make a key, and print its text, once", _create)
    creating.add_argument("--project", help="the caller's project; none is for an administrator")
    creating.add_argument("--user", help="the caller's user id")
    creating.add_argument(
        "--role",
        action="append",
        help=f"role of the caller; repeatable; without any: {_DEFAULT_ROLE}",
    )
    creating.add_argument("--note", default="", help="what it is for")
    _add(actions, "list", "show the keys, without their texts", _list)
    revoking = _add(actions, "revoke", "make a key useless at once", _revoke)
    revoking.add_argument("id", help="the key's id, as `key list` shows it")


def run(config: Config, arguments: argparse.Namespace) -> int:
    """Run the action on the file that the configuration names.

    Raises:
        Misconfigured: it names none.
    """
    if not config.api.keys_file:
        message = "set [api] keys_file in the configuration file"
        raise Misconfigured(message, field="[api] keys_file")
    act: Run = arguments.on_keys
    return act(config, KeyFile(config.api.keys_file), arguments)


def _add(actions: Any, name: str, text: str, act: Run) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text)
    parser.set_defaults(on_keys=act)
    return parser


def _create(config: Config, keys: KeyFile, arguments: argparse.Namespace) -> int:
    """Print the text alone on stdout, for scripts; what is said about it goes to stderr."""
    roles = arguments.role or [_DEFAULT_ROLE]
    opens = _opens(config, Identity(project_id=arguments.project, roles=tuple(roles)))
    key, text = keys.create(
        project=arguments.project, user=arguments.user, roles=roles, note=arguments.note
    )
    print(text)
    print(f"key {key.id} is made; its text is not shown again", file=sys.stderr)
    if not opens:
        why = "these roles allow nothing" if key.project else "these roles need a --project"
        print(f"warning: the rules refuse this key everything: {why}", file=sys.stderr)
    return 0


def _opens(config: Config, holder: Identity) -> bool:
    """Whether the rules allow the holder anything but what everybody may ask."""
    rules = Rules(config)
    of_all = any(rules.allow(one, holder) for one in (ADMINISTERS, READS_ALL))
    asked = (one.name for one in list_rules() if one.name.startswith("telemetry:"))
    return bool(holder.project_id or of_all) and any(rules.allow(one, holder) for one in asked)


def _list(_: Config, keys: KeyFile, __: argparse.Namespace) -> int:
    for key in keys.list():
        print(_line(key))
    return 0


def _revoke(_: Config, keys: KeyFile, arguments: argparse.Namespace) -> int:
    print(f"revoked: {_line(keys.revoke(arguments.id))}")
    return 0


def _line(key: Key) -> str:
    facts = (
        key.id,
        times.write(key.created),
        f"project={key.project or '-'}",
        f"user={key.user or '-'}",
        f"roles={','.join(key.roles)}",
        key.note,
    )
    return "  ".join(facts).rstrip()
