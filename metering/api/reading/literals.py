"""How the text of a condition's value becomes a typed value to compare metadata with.

With a type, that type; without, by v2's rule: a Python literal if it is one, else text. A container
is only ever compared in `metering.matching`; it never reaches a store.
"""

import ast
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from metering import times
from metering.errors import InvalidQuery, InvalidRequest
from metering.query import Value

TYPES = ("integer", "float", "string", "boolean", "datetime")

_TRUE = frozenset({"t", "true", "on", "y", "yes", "1"})
_FALSE = frozenset({"f", "false", "off", "n", "no", "0"})
_INTEGER = re.compile(r"\s*[+-]?[0-9]{1,400}\s*", re.ASCII)
# Possessive, so that no text takes more than one pass: whoever may read may send a long one.
_FLOAT = re.compile(r"\s*[+-]?([0-9]++\.?[0-9]*+|\.[0-9]++)([eE][+-]?[0-9]{1,4})?\s*", re.ASCII)
_NOT_FINITE = re.compile(r"\s*[+-]?(nan|inf|infinity)\s*", re.ASCII | re.IGNORECASE)
_LONGEST_LITERAL = 1000


def read_typed(text: str, type_name: str) -> Value:
    """The value that the text is as that type.

    Raises:
        InvalidQuery: no such type, or the text is none of its values.
    """
    if type_name not in TYPES:
        message = (
            f"The data type {type_name[:100]} is not supported. "
            f"The supported data type list is: {list(TYPES)}"
        )
        raise InvalidQuery(message, field="q.type")
    try:
        return _READERS[type_name](text)
    except (ValueError, InvalidRequest):
        message = f"Unable to convert the value {text[:100]} to the expected data type {type_name}."
        raise InvalidQuery(message, field="q.value") from None


def read_untyped(text: str) -> Value:
    """The value of the text read as a Python literal, or the text itself."""
    if _FLOAT.fullmatch(text):
        return _untyped_number(text)
    if not text or text[0].isspace() or len(text) > _LONGEST_LITERAL:
        return text
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text
    return text if _is_foreign(value) else _exact(value)


def _untyped_number(text: str) -> Value:
    """As Python reads it: text with a leading blank, or an integer with leading zeros, is none."""
    if text[0].isspace():
        return text
    stripped = text.strip()
    if _INTEGER.fullmatch(stripped):
        digits = stripped.lstrip("+-")
        return text if digits.startswith("0") and digits.strip("0") else int(stripped)
    return Decimal(stripped)


def _is_foreign(value: Any) -> bool:
    """Whether a literal holds what JSON has no value for: bytes, sets, complex numbers."""
    if isinstance(value, list | tuple):
        return any(_is_foreign(item) for item in value)
    if isinstance(value, dict):
        return any(not isinstance(key, str) or _is_foreign(value[key]) for key in value)
    return not (value is None or isinstance(value, bool | int | float | str))


def _exact(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    return value


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    return int(text)


def _read_float(text: str) -> Value:
    """A decimal; what is not finite equals nothing that JSON has, so any such text will do."""
    if _NOT_FINITE.fullmatch(text):
        return Decimal("NaN")
    if not _FLOAT.fullmatch(text):
        raise ValueError
    return Decimal(text.strip())


def _read_boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError
    return word in _TRUE


_READERS: dict[str, Callable[[str], Value]] = {
    "integer": _read_integer,
    "float": _read_float,
    "string": str,
    "boolean": _read_boolean,
    "datetime": times.read,
}
