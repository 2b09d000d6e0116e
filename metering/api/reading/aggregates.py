"""`aggregate` and `func`: which figures a row has, by name and parameter."""

from collections.abc import Iterable

from metering.api.framework.declare import AggregateChoice, given
from metering.errors import InvalidQuery
from metering.usage.figures import FUNCTIONS, USAGE, Aggregate


def read_aggregates(chosen: Iterable[AggregateChoice]) -> tuple[Aggregate, ...]:
    """The figures that were chosen, each once.

    Raises:
        InvalidQuery: one is unknown, or its parameter is missing or one that it does not take.
    """
    return tuple(dict.fromkeys(read_aggregate(given(one.func), given(one.param)) for one in chosen))


def read_function(text: str | None) -> Aggregate:
    """The figure of that name, its parameter after a slash; without a text, usage.

    Raises:
        InvalidQuery: there is none.
    """
    if text is None:
        return USAGE
    name, _, param = text.partition("/")
    try:
        return read_aggregate(name, param or None)
    except InvalidQuery as error:
        raise InvalidQuery(error.message, field="func") from None


def read_aggregate(function: str | None, param: str | None) -> Aggregate:
    """The figure of that name and parameter; an empty parameter is none.

    Raises:
        InvalidQuery: unknown, or the parameter is missing or one that it does not take.
    """
    if function not in FUNCTIONS:
        message = f"Invalid aggregation function: {str(function)[:100]}"
        raise InvalidQuery(message, field="aggregate.func")
    known = FUNCTIONS[function]
    if param and not known.params:
        message = f"Bad aggregate: {function}.{param[:100]}; {function} takes no parameter"
        raise InvalidQuery(message, field="aggregate.param")
    if (param or known.needs_param) and param not in known.params:
        message = (
            f"Bad aggregate: {function}.{str(param)[:100]}; it takes one of "
            f"{', '.join(known.params)}"
        )
        raise InvalidQuery(message, field="aggregate.param")
    return Aggregate(function, param or None)
