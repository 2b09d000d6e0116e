"""Resource metadata: a nested JSON object, kept as one canonical text and read by path.

The canonical text (sorted keys, exact numbers) is what drivers store, so any key is stored and
found literally: dots, `$`, empty and non-ASCII keys mean nothing to a database here. It also makes
two descriptions equal exactly when their texts are.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec

from metering.decimals import read_number
from metering.errors import InvalidSample
from metering.remembered import Remembered

MAX_BYTES = 16 * 1024
MAX_DEPTH = 20
MAX_KEY_LENGTH = 255

# What is remembered of each, and at most twice that.
_BYTES_READ_LATELY = 16 * 1024 * 1024
_BYTES_OF_TREES = 8 * 1024 * 1024
_BYTES_OF_FLAT_FORMS = 4 * 1024 * 1024
_LONGEST_REMEMBERED = 4_096
# Python's own for an object, and for a key or value in one.
_BYTES_OF_AN_OBJECT = 500
_BYTES_OF_A_VALUE = 150
# JSON may write a character of one byte as six: \\u0041.
_LONGEST_ESCAPED = 6

_CONTAINERS = (dict, list)
_TOO_DEEP = f"metadata is nested deeper than {MAX_DEPTH}"

# In a JSON text, where a backslash may stand for itself.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")

_decode = msgspec.json.Decoder(dict[str, Any], float_hook=read_number).decode
_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode


class Metadata:
    """One resource description; immutable, equal by canonical text, parsed when first read."""

    def __init__(self, text: str) -> None:
        """Wrap a text that `of` or `read` made; nothing is checked."""
        self.text = text

    @classmethod
    def of(cls, tree: Mapping[str, Any]) -> "Metadata":
        """The description that a tree of dicts, lists, text, int, Decimal, bool and None gives.

        Raises:
            InvalidSample: too deep, too large, a NUL in a key or value, or two keys that read the
                same once flattened (`a.b` beside `a: {b: ...}`).
        """
        may_read_the_same = _check(tree)
        try:
            text = _encode(tree)
        except UnicodeEncodeError:
            raise InvalidSample("metadata must be Unicode", field="metadata") from None
        if b"u0000" in text and _NUL.search(text):
            raise InvalidSample("metadata must not contain NUL", field="metadata")
        if len(text) > MAX_BYTES:
            raise InvalidSample(f"metadata is larger than {MAX_BYTES} bytes", field="metadata")
        if may_read_the_same:
            _check_flat(tree)
        return cls(text.decode())

    @classmethod
    def read(cls, json: bytes) -> "Metadata":
        """The description in a JSON object; of two equal keys in one object the last counts.

        The last are cached, unless they are very long: a resource sends the same with every sample.

        Raises:
            InvalidSample: not a JSON object, or one that `of` refuses.
        """
        if len(json) > _LONGEST_REMEMBERED:
            return cls._read(json)
        known = _read_lately.get(json)
        if known is None:
            known = cls._read(json)
            _read_lately.add(json, known)
        return known

    @classmethod
    def _read(cls, json: bytes) -> "Metadata":
        if len(json) > _LONGEST_ESCAPED * MAX_BYTES:
            raise InvalidSample(f"metadata is larger than {MAX_BYTES} bytes", field="metadata")
        try:
            return cls.of(_decode(json))
        except RecursionError:
            raise InvalidSample(_TOO_DEEP, field="metadata") from None
        except (msgspec.MsgspecError, ValueError):
            raise InvalidSample("metadata must be a JSON object", field="metadata") from None

    @cached_property
    def digest(self) -> bytes:
        """128 bits that identify the description, the same in every process and driver."""
        return hashlib.blake2b(self.text.encode(), digest_size=16).digest()

    @property
    def tree(self) -> dict[str, Any]:
        """The nested object, not to be changed: the last few megabytes of them are cached."""
        tree = _parsed.get(self.text)
        if tree is None:
            tree = _decode(self.text)
            _parsed.add(self.text, tree)
        return tree

    @property
    def flat(self) -> dict[str, str]:
        """Text by flattened key, as v2 shows it: `{"a": {"b": {"c": 1}}}` is `{"a.b:c": "1"}`.

        The rule is textual, v2's: all dots become colons, then the first
        colon becomes a dot. Values have their Python text; empty objects vanish. Not to be changed:
        the last few megabytes of them are cached.
        """
        flat = _flattened.get(self.text)
        if flat is None:
            flat = {
                path.replace(".", ":").replace(":", ".", 1): as_text(value)
                for path, value in _leaves(self.tree)
            }
            _flattened.add(self.text, flat)
        return flat

    def find(self, path: str) -> list[Any]:
        """Every value under a dotted path: keys with dots are found, numbers index lists."""
        return list(_walk(self.tree, path))

    @property
    def paths(self) -> list[str]:
        """The dotted path of each value that is no object."""
        return [path for path, _ in _leaves(self.tree)]

    def changed_paths(self, other: "Metadata") -> set[str]:
        """The dotted path of each value that one of the two lacks, or has another of.

        Lists, and objects without keys, are values.
        """
        mine, theirs = (dict(_values(one.tree)) for one in (self, other))
        paths = mine.keys() | theirs.keys()
        return {".".join(path) for path in paths if mine.get(path) != theirs.get(path)}

    def __eq__(self, other: object) -> bool:
        """Whether the canonical texts are the same: 1 and 1.0 differ, as v2 shows them apart."""
        return isinstance(other, Metadata) and self.text == other.text

    def __hash__(self) -> int:
        """By canonical text."""
        return hash(self.text)

    def __repr__(self) -> str:
        """The canonical text."""
        return f"Metadata({self.text})"


def _weigh_read(json: bytes, read: Metadata) -> int:
    return len(json) + len(read.text) + _BYTES_OF_AN_OBJECT


def _weigh_parsed(text: str, _: Mapping[str, Any]) -> int:
    values = sum(map(text.count, ",[{"))
    return len(text) + _BYTES_OF_A_VALUE * values + _BYTES_OF_AN_OBJECT


def _weigh_flat(text: str, flat: Mapping[str, str]) -> int:
    texts = len(text) + sum(len(key) + len(value) for key, value in flat.items())
    return texts + _BYTES_OF_A_VALUE * len(flat) + _BYTES_OF_AN_OBJECT


_read_lately: Remembered[bytes, Metadata] = Remembered(_BYTES_READ_LATELY, _weigh_read)
_parsed: Remembered[str, dict[str, Any]] = Remembered(_BYTES_OF_TREES, _weigh_parsed)
_flattened: Remembered[str, dict[str, str]] = Remembered(_BYTES_OF_FLAT_FORMS, _weigh_flat)

NO_METADATA = Metadata("{}")


def _check_flat(tree: Mapping[str, Any]) -> None:
    paths: set[str] = set()
    for path, _ in _leaves(tree):
        shown = path.replace(".", ":")
        if shown in paths:
            raise InvalidSample(f"metadata key {shown[:100]} given twice", field="metadata")
        paths.add(shown)


def _check(tree: Mapping[str, Any]) -> bool:
    """Refuse what could not be kept or shown; iterative, so that depth cannot exhaust the stack.

    Returns whether a key holds what joins keys: only then can two keys read the same.
    """
    has_joints = False
    pending: list[tuple[Any, int]] = [(tree, 1)]
    while pending:
        container, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise InvalidSample(_TOO_DEEP, field="metadata")
        items = container
        if isinstance(container, dict):
            items = container.values()
            keys = "".join(container)  # all at once, which takes a third of the time
            if len(keys) > MAX_KEY_LENGTH and max(map(len, container)) > MAX_KEY_LENGTH:
                message = f"metadata keys have at most {MAX_KEY_LENGTH} characters"
                raise InvalidSample(message, field="metadata")
            has_joints = has_joints or "." in keys or ":" in keys
        pending.extend([(item, depth + 1) for item in items if isinstance(item, _CONTAINERS)])
    return has_joints


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _values(
    tree: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """The values by the keys that lead to them, as canonical text: there 1 and 1.0 differ."""
    for key, value in tree.items():
        if value and isinstance(value, dict):
            yield from _values(value, (*above, key))
        else:
            yield (*above, key), _encode(value)


def as_text(value: Any) -> str:
    """A value of the metadata as v2 shows it: Python's text of it, numbers exactly."""
    return value if isinstance(value, str) else _literal(value)


def _literal(value: Any) -> str:
    """Python's literal; a fraction has the text of its float if that is the same number."""
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, Decimal):
        text = repr(float(value))
        return text if Decimal(text) == value else str(value)
    return repr(value)


def _walk(value: Any, path: str) -> Iterator[Any]:
    if isinstance(value, list):
        yield from _walk_list(value, path)
    elif isinstance(value, dict):
        if path in value:
            yield value[path]
        if "." not in path:
            return
        # By the keys there are, each of which is met once: a path may have any number of dots.
        for key in sorted(filter(path.startswith, value), key=len):
            if path.startswith(".", len(key)):
                yield from _walk(value[key], path[len(key) + 1 :])


def _walk_list(items: list[Any], path: str) -> Iterator[Any]:
    head, _, rest = path.partition(".")
    if head in map(str, range(len(items))):
        item = items[int(head)]
        yield from _walk(item, rest) if rest else iter([item])
    for item in items:
        if isinstance(item, dict):
            yield from _walk(item, path)
