"""The filters of POST /v2/query/samples: JSON inside text becomes the same tree that `q` does.

One operator an object, in any letter case: `and`, `or` (two parts or more), `not`, `in`, and the
comparisons, each with one field. Size and depth are bounded before anything is built.
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from metering import times
from metering.decimals import read_number
from metering.errors import InvalidQuery, InvalidRequest, Unauthorized
from metering.matching import compile_pattern
from metering.model import Project, Scope
from metering.ordering import OrderBy
from metering.query import (
    EVERYTHING,
    FIELDS,
    NOTHING,
    AllOf,
    AnyOf,
    Comparison,
    Field,
    Filter,
    Kind,
    Not,
    Operator,
    metadata_field,
)

MAX_TEXT_LENGTH = 64 * 1024
MAX_LEAVES = 200
MAX_VALUES = 5_000
MAX_PATTERN_LENGTH = 256
MAX_PATTERNS = 20

_OPERATORS = {
    "=": Operator.EQ,
    "!=": Operator.NE,
    "<": Operator.LT,
    "<=": Operator.LE,
    "=<": Operator.LE,
    ">": Operator.GT,
    ">=": Operator.GE,
    "=>": Operator.GE,
    "=~": Operator.MATCHES,
}
_NAMES = {
    "message_id": "id",
    "counter_name": "meter",
    "counter_type": "type",
    "counter_unit": "unit",
    "counter_volume": "volume",
    "user": "user_id",
    "project": "project_id",
    "resource": "resource_id",
    **{name: name for name in FIELDS if name != "id"},
}
# Fields of v2's store that no comparison can match here: signatures are not kept, and an object
# equals no text, number or boolean.
_NEVER = ("message_signature", "resource_metadata")

_decode = msgspec.json.Decoder(float_hook=read_number).decode


def read_filter(text: str, scope: Scope, max_depth: int) -> Filter:
    """The filter in a JSON text.

    Raises:
        InvalidQuery: not a filter, or one that is too large or too deep.
        Unauthorized: a caller confined to a project names another, wherever it stands.
    """
    return _Reader(scope, max_depth).read(_json(text, "Filter"), 1)


def read_order(text: str) -> tuple[OrderBy, ...]:
    """The order in a JSON text: a list of objects with one field and `asc` or `desc`.

    A field that comes again only turns the direction that it had, as in v2.

    Raises:
        InvalidQuery: anything else.
    """
    asked = _json(text, "Order-by")
    if not isinstance(asked, list) or not all(isinstance(one, dict) for one in asked):
        _refuse("Order-by", "a list of objects is expected")
    order = [_order_by(one) for one in asked]
    return tuple({by.field: by for by in order}.values())


def _json(text: str, what: str) -> Any:
    if len(text) > MAX_TEXT_LENGTH:
        _refuse(what, f"longer than {MAX_TEXT_LENGTH} characters")
    try:
        return _decode(text)
    except (msgspec.DecodeError, ValueError) as error:
        _refuse(what, str(error))
    except RecursionError:
        _refuse(what, "nested too deeply")


def _refuse(what: str, why: str) -> NoReturn:
    message = f"{what} expression not valid: {why}"
    raise InvalidQuery(message, field=what.replace("-", "").lower())


def _order_by(one: Mapping[str, Any]) -> OrderBy:
    if len(one) != 1:
        _refuse("Order-by", "give one field in each object")
    [(name, direction)] = one.items()
    if name not in _NAMES and name not in _NEVER:
        _refuse("Order-by", f"unknown field {name[:100]}")
    if str(direction).lower() not in ("asc", "desc"):
        _refuse("Order-by", f"{str(direction)[:100]} is neither asc nor desc")
    field = FIELDS[_NAMES[name]] if name in _NAMES else metadata_field("")
    return OrderBy(field, descending=direction.lower() == "desc")


class _Reader:
    """Reads one filter; counts its leaves and its patterns."""

    def __init__(self, scope: Scope, max_depth: int) -> None:
        self._scope = scope
        self._max_depth = max_depth
        self._leaves = 0
        self._patterns = 0

    def read(self, node: Any, depth: int) -> Filter:
        """The filter of a node at that depth, the root being at 1."""
        if depth > self._max_depth:
            _refuse("Filter", f"nested deeper than {self._max_depth}")
        if not isinstance(node, dict) or len(node) != 1:
            _refuse("Filter", "an object with exactly one operator is expected")
        [(word, operand)] = node.items()
        match word.lower():
            case "and" | "or" as join:
                return self._joined(join, operand, depth)
            case "not":
                return Not(self.read(operand, depth + 1))
            case "in":
                return self._any_value(*self._leaf(word, operand))
            case operator if operator in _OPERATORS:
                name, value = self._leaf(word, operand)
                return self._comparison(name, _OPERATORS[operator], value)
        _refuse("Filter", f"unknown operator {word[:100]}")

    def _joined(self, join: str, operand: Any, depth: int) -> Filter:
        if not isinstance(operand, list) or len(operand) < 2:  # noqa: PLR2004 - v2's rule
            _refuse("Filter", f"{join} takes a list of two or more")
        parts = tuple(self.read(part, depth + 1) for part in operand)
        return AllOf(parts) if join == "and" else AnyOf(parts)

    def _leaf(self, word: str, operand: Any) -> tuple[str, Any]:
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            _refuse("Filter", f"more than {MAX_LEAVES} comparisons")
        if not isinstance(operand, dict) or len(operand) != 1:
            _refuse("Filter", f"{word[:100]} takes an object with exactly one field")
        [(name, value)] = operand.items()
        return name, value

    def _any_value(self, name: str, values: Any) -> Filter:
        if not isinstance(values, list) or not values:
            _refuse("Filter", "in takes a list of one or more")
        if any(isinstance(value, bool) for value in values):
            _refuse("Filter", "in takes texts and numbers")
        if _NAMES.get(name) == "project_id":
            self._check_project(values, exact=False)
        if len(values) > MAX_VALUES:
            _refuse("Filter", f"more than {MAX_VALUES} values in a list")
        leaves = [self._comparison(name, Operator.EQ, value) for value in values]
        asked = frozenset(leaf.value for leaf in leaves if isinstance(leaf, Comparison))
        return Comparison(_field(name), Operator.IN, asked) if asked else NOTHING

    def _comparison(self, name: str, operator: Operator, value: Any) -> Filter:
        if value is None or isinstance(value, list | dict):
            _refuse("Filter", f"{name[:100]} is compared with text, number or boolean")
        if name in _NEVER:
            return EVERYTHING if operator is Operator.NE else NOTHING
        field = _field(name)
        if field.name == "project_id":
            self._check_project(value, exact=operator is not Operator.MATCHES)
        if operator is Operator.MATCHES:
            self._patterns += 1
            if self._patterns > MAX_PATTERNS:
                _refuse("Filter", f"more than {MAX_PATTERNS} patterns")
            return Comparison(field, operator, _pattern(value))
        return Comparison(field, operator, _instant(value) if _is_instant(field) else value)

    def _check_project(self, asked: Any, *, exact: bool) -> None:
        """Only the caller's own project, and only by itself, as v2 had it."""
        if isinstance(self._scope, Project) and not (exact and asked == self._scope.id):
            message = f"Not Authorized to access project {str(asked)[:100]}"
            raise Unauthorized(message, field="project_id")


def _field(name: str) -> Field:
    path = name.removeprefix("metadata.")
    if path and path != name and not any(character.isspace() for character in path):
        return metadata_field(path)
    if name not in _NAMES:
        _refuse("Filter", f"unknown field {name[:100]}")
    return FIELDS[_NAMES[name]]


def _is_instant(field: Field) -> bool:
    return field.kind is Kind.INSTANT


def _instant(value: Any) -> Any:
    try:
        return times.read(value if isinstance(value, str) else "")
    except InvalidRequest:
        message = f"Failed to parse the timestamp value {str(value)[:100]}"
        raise InvalidQuery(message, field="filter") from None


def _pattern(value: Any) -> str:
    if not isinstance(value, str):
        _refuse("Filter", "=~ searches text for a pattern")
    if len(value) > MAX_PATTERN_LENGTH:
        _refuse("Filter", f"a pattern has at most {MAX_PATTERN_LENGTH} characters")
    compile_pattern(value)
    return value
