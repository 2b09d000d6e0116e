"""WSME types: those of parameters, and those derived from the dataclasses of answers."""

import dataclasses
import types
import typing
from decimal import Decimal
from functools import cache
from typing import Any

import wsme.types as wtypes
from msgspec import UNSET, UnsetType

_TRUE_WORDS = frozenset({"true", "t", "yes", "y", "on", "1"})


class Condition(wtypes.Base):
    """One condition of `q`: compare the field with the value."""

    field = wtypes.wsattr(wtypes.text)
    op = wtypes.wsattr(wtypes.text)
    value = wtypes.wsattr(wtypes.text)
    type = wtypes.wsattr(wtypes.text)


class AggregateChoice(wtypes.Base):
    """One figure to compute."""

    func = wtypes.wsattr(wtypes.text)
    param = wtypes.wsattr(wtypes.text)


class Truth(wtypes.UserType):
    """A switch, read as v2 did: six words are true, all else is false."""

    basetype = wtypes.text
    name = "boolean"

    @staticmethod
    def frombasetype(value: Any) -> bool:
        """Whether the text is one of the true words, in any case."""
        return str(value).strip().lower() in _TRUE_WORDS


class Number(wtypes.UserType):
    """An exact decimal in an answer."""

    basetype = wtypes.text
    name = "decimal"

    @staticmethod
    def tobasetype(value: Decimal) -> str:
        """The number, written out."""
        return format(value, "f")


def given(value: Any, default: Any = None) -> Any:
    """The value, or the default if WSME found none."""
    return default if value is wtypes.Unset or value is None else value


@cache
def wsme_type(annotation: Any) -> Any:
    """The WSME type for an annotation that the dataclasses of answers use."""
    if dataclasses.is_dataclass(annotation):
        return _complex_type(typing.cast("type", annotation))
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return wtypes.ArrayType(wsme_type(arguments[0]))
    if origin is dict:
        return wtypes.DictType(wtypes.text, wsme_type(arguments[1]))
    if origin is types.UnionType:
        rest = [one for one in arguments if one not in (types.NoneType, UnsetType)]
        return wsme_type(rest[0])
    return {str: wtypes.text, int: int, bool: bool, Decimal: Number()}[annotation]


def _complex_type(dataclass: type) -> Any:
    hints = typing.get_type_hints(dataclass)
    names = [field.name for field in dataclasses.fields(dataclass)]
    attributes = {name: wtypes.wsattr(wsme_type(hints[name])) for name in names}
    made = type(dataclass.__name__, (wtypes.Base,), {**attributes, "_wsme_attr_order": names})
    wtypes.register_type(made)
    return made


def for_wsme(value: Any) -> Any:
    """The value with absent fields marked as WSME marks them."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return types.SimpleNamespace(**{name: for_wsme(getattr(value, name)) for name in names})
    if isinstance(value, list):
        return [for_wsme(item) for item in value]
    return wtypes.Unset if value is UNSET else value
