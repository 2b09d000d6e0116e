"""What is declared of parameters, with WSME's types, and of bodies."""

import re
import typing
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import wsme.types as wtypes

T = TypeVar("T")

# Of a field of a body: neither absent nor null.
MANDATORY = "mandatory"
Mandatory = Annotated[T | None, MANDATORY]

# A whole number as a text; longer ones cost more than they are worth.
INTEGER = re.compile(r"\s*[+-]?[0-9]{1,40}\s*", re.ASCII)
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


def given(value: Any, default: Any = None) -> Any:
    """The value, or the default if WSME found none."""
    return default if value is wtypes.Unset or value is None else value


def parameters_of(asked: type) -> dict[str, Any]:
    """What an endpoint declares whose parameters are the fields of a dataclass."""
    return {name: _datatype(hint) for name, hint in typing.get_type_hints(asked).items()}


def _datatype(hint: Any) -> Any:
    """In WSME's notation: `[str]` where a parameter may come often, `str` where it comes once."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is Iterable:
        return [arguments[0]]
    return arguments[0] if arguments else hint
