"""Which samples a filter matches: one meaning for every driver.

The rules are MongoDB's, because v2 asked it and its clients rely on them: numbers compare across
int and decimal, never with booleans or text; `eq None` matches null and an absent field; a list
matches if it is equal or if one of its elements matches; NE and Not match where a field is absent;
the ordering operators only match values of the same kind.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import re2

from metering.errors import InvalidQuery
from metering.model import Rollup, Sample, Series, Subject
from metering.query import (
    EVERYTHING,
    NOTHING,
    AllOf,
    AnyOf,
    Comparison,
    Field,
    Filter,
    Kind,
    Not,
    Operator,
    Value,
)
from metering.times import Range, following

_ORDERINGS = {
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}

_QUIET = re2.Options()
_QUIET.log_errors = False

_KINDS = (((int, Decimal), Decimal), ((str,), str), ((datetime,), datetime))


def matches(filter_: Filter, sample: Sample) -> bool:
    """Whether the filter matches the sample."""
    return _holds(filter_, sample.series, sample)


def matches_subject(filter_: Filter, subject: Subject | Rollup) -> bool:
    """Whether a filter that has only fields of series (or of tracks, or rollups) matches."""
    return _holds(filter_, subject, None)


def _holds(filter_: Filter, subject: Subject | Rollup, sample: Sample | None) -> bool:
    match filter_:
        case AllOf(parts):
            return all(_holds(part, subject, sample) for part in parts)
        case AnyOf(parts):
            return any(_holds(part, subject, sample) for part in parts)
        case Not(part):
            return not _holds(part, subject, sample)
        case Comparison(field):
            return _compare(filter_, _values(field, subject, sample))


def reduced(filter_: Filter, known: Subject) -> Filter:
    """What is left to ask of samples of a track, or series: EVERYTHING, NOTHING, or a smaller tree.

    Every comparison on a field of it is decided; what is left has fields of samples, and of those
    of a track metadata.
    """
    match filter_:
        case AllOf(parts):
            rest = _reduced(parts, known)
            return NOTHING if NOTHING in rest else _flat(AllOf, rest, EVERYTHING)
        case AnyOf(parts):
            rest = _reduced(parts, known)
            return EVERYTHING if EVERYTHING in rest else _flat(AnyOf, rest, NOTHING)
        case Not(part):
            left = reduced(part, known)
            if left in (EVERYTHING, NOTHING):
                return NOTHING if left == EVERYTHING else EVERYTHING
            return Not(left)
        case Comparison(field) if field.of_track or (field.of_series and isinstance(known, Series)):
            return EVERYTHING if _compare(filter_, _values(field, known, None)) else NOTHING
    return filter_


def required(filter_: Filter, field: Field) -> list[Value]:
    """The values that the field must equal for the filter to match, as far as is plain to see.

    A driver may look only there. An empty list means that nothing is known.
    """
    match filter_:
        case Comparison(asked, Operator.EQ, value) if asked == field:
            return [value]
        case AllOf(parts):
            return [value for part in parts for value in required(part, field)]
    return []


def without(filter_: Filter, equal: Mapping[str, Value]) -> Filter:
    """What is left to ask of series whose fields are known to equal these texts (None: absent)."""
    match filter_:
        case Comparison(Field(name), Operator.EQ, value) if name in equal and equal[name] == value:
            return EVERYTHING
        case AllOf(parts):
            return _flat(AllOf, [without(part, equal) for part in parts], EVERYTHING)
    return filter_


def _reduced(parts: Iterable[Filter], known: Subject) -> list[Filter]:
    return [reduced(part, known) for part in parts]


def _flat(node: type[AllOf] | type[AnyOf], rest: list[Filter], neutral: Filter) -> Filter:
    rest = [part for part in rest if part != neutral]
    if not rest:
        return neutral
    return rest[0] if len(rest) == 1 else node(tuple(rest))


def _values(field: Field, subject: Subject | Rollup, sample: Sample | None) -> list[Any]:
    if isinstance(subject, Series) and field.kind is Kind.METADATA:
        return subject.metadata.find(field.path)
    value = getattr(subject if field.of_series else sample, field.name)
    return [] if value is None else [value]


def _compare(comparison: Comparison, values: list[Any]) -> bool:
    expected: Any = comparison.value
    if comparison.operator is Operator.EQ:
        return _equals_any(values, expected)
    if comparison.operator is Operator.NE:
        return not _equals_any(values, expected)
    if comparison.operator is Operator.IN:
        # The kinds are told apart by themselves, but for booleans, which Python takes for numbers.
        return any(
            _kind(one) not in (None, bool) and one in expected for one in _with_elements(values)
        )
    if comparison.operator is Operator.MATCHES:
        search = compile_pattern(str(expected)).search
        return any(isinstance(one, str) and search(one) for one in _with_elements(values))
    ordered: Callable[[Any, Any], bool] = _ORDERINGS[comparison.operator]
    kind = _kind(expected)
    return kind is not None and any(
        ordered(value, expected) for value in _with_elements(values) if _kind(value) is kind
    )


def _equals_any(values: list[Any], expected: Value) -> bool:
    if expected is None and not values:
        return True
    return any(_equal(value, expected) for value in _with_elements(values))


def _with_elements(values: list[Any]) -> Iterable[Any]:
    for value in values:
        yield value
        if isinstance(value, list):
            yield from value


def _equal(value: Any, expected: Any) -> bool:
    if isinstance(value, list) and isinstance(expected, list):
        return len(value) == len(expected) and all(map(_equal, value, expected))
    if isinstance(value, dict) and isinstance(expected, dict):
        return value.keys() == expected.keys() and all(
            _equal(value[key], expected[key]) for key in value
        )
    if value is None or expected is None:
        return value is expected
    kind = _kind(value)
    return kind is not None and kind is _kind(expected) and bool(value == expected)


def _kind(value: Any) -> type | None:
    """What a value can be compared with; None for containers, null and NaN."""
    if isinstance(value, bool):
        return bool
    if isinstance(value, Decimal) and value.is_nan():
        return None
    return next((kind for types, kind in _KINDS if isinstance(value, types)), None)


@lru_cache(maxsize=64)
def compile_pattern(pattern: str) -> Any:
    """The regular expression, by RE2, which no pattern can make slow.

    Raises:
        InvalidQuery: RE2 does not take it; it has no back-references and no look-around.
    """
    try:
        return re2.compile(pattern, _QUIET)
    except re2.error as error:
        why = error.args[0] if error.args else "?"
        words = why.decode(errors="replace") if isinstance(why, bytes) else str(why)
        raise InvalidQuery(f"invalid regular expression: {words}", field="filter") from None


def bounds(filter_: Filter) -> Range:
    """The half-open range outside of which the filter matches nothing, as far as is plain."""
    match filter_:
        case Comparison(Field("timestamp"), operator_, datetime() as at):
            return range_of(operator_, at)
        case AllOf(parts):
            whole = Range()
            for part in parts:
                whole = whole & bounds(part)
            return whole
    return Range()


def range_of(operator_: Operator, at: datetime) -> Range:
    """The half-open range of the instants that compare so with one; they have whole milliseconds.

    Other operators are no range: everything is inside.
    """
    after = following(at)
    later = Range(after, None) if after is not None else Range(at, at)
    ranges = {
        Operator.LT: Range(None, at),
        Operator.LE: Range(None, after),
        Operator.GT: later,
        Operator.GE: Range(at, None),
        Operator.EQ: Range(at, after),
    }
    return ranges.get(operator_, Range())
