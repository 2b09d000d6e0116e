"""`q`: conditions, all of which must hold, become a filter and a range of time.

Each endpoint names the fields that its `q` may use; every operator works on each of them. The
range is half-open: `le t` ends a millisecond after t, since instants have whole milliseconds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from metering import times
from metering.api.framework.declare import Condition, given
from metering.api.reading.literals import read_typed, read_untyped
from metering.config import ApiConfig
from metering.decimals import read_volume
from metering.errors import InvalidQuery, InvalidRequest, InvalidSample, Unauthorized
from metering.matching import range_of
from metering.model import Project, Scope
from metering.query import (
    FIELDS,
    AllOf,
    Comparison,
    Field,
    Filter,
    Kind,
    Operator,
    Value,
    all_of,
    metadata_field,
)
from metering.times import EVER, Range

OPERATORS = ("eq", "ne", "lt", "le", "gt", "ge")

ALIASES = {
    "user": "user_id",
    "project": "project_id",
    "resource": "resource_id",
    "message_id": "id",
    **{name: name for name in FIELDS},
}
_METADATA = ("metadata.", "resource_metadata.")
_OFFSET = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields a `q` may use, and how it reads special values.

    `null_word` makes the text None null on user, project and resource; `empty_drops` makes an
    empty value drop its condition. Both are v2's habits of single endpoints. With `drops_nothing`
    no condition is ever dropped: an empty value is compared like any other, or refused, and null
    is refused. So it is where v2 has nothing to say: one that is lost would widen a bill.
    """

    names: frozenset[str]
    null_word: bool = False
    empty_drops: bool = False
    drops_nothing: bool = False


SAMPLE_FIELDS = Fields(frozenset(FIELDS), empty_drops=True)
RESOURCE_FIELDS = Fields(frozenset({"source", "resource_id", "project_id", "user_id", "timestamp"}))
METER_FIELDS = Fields(
    frozenset({"source", "meter", "type", "unit", "resource_id", "project_id", "user_id"}),
    null_word=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """A `q`, read: a filter, the range in time, and the bounds as they were given.

    `lower` and `upper` are the instants of the tightest bounds, before `search_offset` widened
    the range on both sides; `anchor` is the lower one after that.
    """

    filter: Filter
    range: Range = EVER
    lower: datetime | None = None
    upper: datetime | None = None
    anchor: datetime | None = None


def read_conditions(
    conditions: Iterable[Condition], fields: Fields, scope: Scope, config: ApiConfig
) -> Conditions:
    """What the conditions of a `q` ask.

    Raises:
        InvalidQuery: a condition that makes no sense; it is named.
        Unauthorized: a caller confined to a project names another.
    """
    # A value that is null in JSON asks nothing, as in v2; one that is left out is a fault.
    listed = [
        condition for condition in conditions if condition.value is not None or fields.drops_nothing
    ]
    if len(listed) > config.max_conditions:
        raise InvalidQuery(f"at most {config.max_conditions} conditions", field="q")
    leaves: list[Comparison] = []
    instants: list[Comparison] = []
    offset: timedelta | None = None
    for place, condition in enumerate(listed):
        name, operator, text = _parts(condition, place, scope)
        if name == "search_offset" and "timestamp" in fields.names:
            offset = _read_offset(operator, text)
            continue
        field = _field(name, fields)
        if text == "" and _is_dropped(field, fields):
            continue
        value = _value(field, text, given(condition.type, ""), fields)
        leaf = Comparison(field, operator, value)
        (instants if field.name == "timestamp" else leaves).append(leaf)
    if offset is not None and not instants:
        message = (
            "Invalid input for field/attribute field. Value: 'search_offset'. "
            "search_offset cannot be used without timestamp"
        )
        raise InvalidQuery(message, field="q.field")
    return _bounded(leaves, instants, offset or timedelta())


def of_meter(name: str, asked: Conditions) -> Conditions:
    """The conditions, for one meter."""
    leaf = Comparison(FIELDS["meter"], Operator.EQ, name)
    return replace(asked, filter=all_of(leaf, asked.filter))


def check_project(asked: object, scope: Scope) -> None:
    """Refuse a project other than the one that the caller is confined to.

    Raises:
        Unauthorized: as v2 did, even where nothing would match.
    """
    if isinstance(scope, Project) and asked != scope.id:
        message = f"Not Authorized to access project {str(asked)[:100]}"
        raise Unauthorized(message, field="project_id")


def _parts(condition: Condition, place: int, scope: Scope) -> tuple[str, Operator, str]:
    """The field's name, operator and value; a foreign project is refused first, as in v2."""
    name, text = given(condition.field), given(condition.value)
    for part, value in (("field", name), ("value", text)):
        if value is None:
            message = (
                f"Invalid input for field/attribute {part}. Value: 'None'. Mandatory field missing."
            )
            raise InvalidQuery(message, field=f"q[{place}].{part}")
    if ALIASES.get(name) == "project_id":
        check_project(text, scope)
    word = given(condition.op) or Operator.EQ
    if word not in OPERATORS:
        message = (
            f"Invalid input for field/attribute op. Value: '{word[:100]}'. "
            f"unimplemented operator for {name[:100]}: one of {', '.join(OPERATORS)}"
        )
        raise InvalidQuery(message, field=f"q[{place}].op")
    return name, Operator(word), text


def _field(name: str, fields: Fields) -> Field:
    for prefix in _METADATA:
        if name.startswith(prefix):
            return metadata_field(name.removeprefix(prefix))
    found = FIELDS.get(ALIASES.get(name, ""))
    if found is None or found.name not in fields.names:
        valid = sorted(alias for alias, field in ALIASES.items() if field in fields.names)
        message = (
            f'Unknown argument: "{name[:100]}": unrecognized field in query, '
            f"valid keys: {[*valid, 'metadata.*']}"
        )
        raise InvalidQuery(message, field="q.field")
    return found


def _is_dropped(field: Field, fields: Fields) -> bool:
    if field.kind is Kind.INSTANT:
        return not fields.drops_nothing
    return fields.empty_drops and field.kind is not Kind.METADATA


def _value(field: Field, text: str, type_name: str, fields: Fields) -> Value:
    if field.kind is Kind.METADATA:
        return read_typed(text, type_name) if type_name else read_untyped(text)
    if field.kind is Kind.INSTANT:
        try:
            return times.read(text, field.name)
        except InvalidRequest as error:
            raise InvalidQuery(error.message, field="q.value") from None
    if field.kind is Kind.NUMBER:
        try:
            return read_volume(text, field.name)
        except InvalidSample as error:
            raise InvalidQuery(error.message, field="q.value") from None
    if fields.null_word and text == "None" and field.name.endswith("_id"):
        return None
    return text


def _read_offset(operator: Operator, text: str) -> timedelta:
    if operator is not Operator.EQ:
        message = (
            f"Invalid input for field/attribute op. Value: '{operator}'. "
            "unimplemented operator for search_offset"
        )
        raise InvalidQuery(message, field="q.op")
    if not _OFFSET.fullmatch(text.strip()):
        message = f"search_offset must be a whole number of minutes, not '{text[:100]}'"
        raise InvalidQuery(message, field="q.value")
    return timedelta(minutes=int(text))


def _bounded(leaves: list[Comparison], instants: list[Comparison], offset: timedelta) -> Conditions:
    """The conditions, with those on the timestamp as one range; NE is no range and stays."""
    lowers = [at for at, operator in _instants(instants) if operator in _LOWER]
    uppers = [at for at, operator in _instants(instants) if operator in _UPPER]
    whole = EVER
    for leaf in instants:
        whole = whole & range_of(leaf.operator, _instant(leaf))
    rest = [leaf for leaf in instants if leaf.operator is Operator.NE]
    lower = max(lowers, default=None)
    return Conditions(
        filter=AllOf((*leaves, *rest)),
        range=Range(_moved(whole.start, -offset), _moved(whole.end, offset)),
        lower=lower,
        upper=min(uppers, default=None),
        anchor=_moved(lower, -offset),
    )


_LOWER = (Operator.GT, Operator.GE, Operator.EQ)
_UPPER = (Operator.LT, Operator.LE, Operator.EQ)


def _instants(leaves: list[Comparison]) -> list[tuple[datetime, Operator]]:
    return [(_instant(leaf), leaf.operator) for leaf in leaves]


def _instant(leaf: Comparison) -> datetime:
    assert isinstance(leaf.value, datetime)  # noqa: S101 - `_value` made it
    return leaf.value


def _moved(bound: datetime | None, by: timedelta) -> datetime | None:
    try:
        return None if bound is None else bound + by
    except OverflowError:
        message = "search_offset leads out of the calendar"
        raise InvalidQuery(message, field="q.value") from None
