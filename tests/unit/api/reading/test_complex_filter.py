"""What is wrong with a filter or an order is told with the name of the parameter."""

import pytest

from metering.api.reading.complex_filter import read_filter, read_order
from metering.errors import InvalidQuery
from metering.model import AllProjects


@pytest.mark.parametrize("text", ["{", "[[[", '"x"', '[{"no such field": "asc"}]'])
def test_an_order(text: str) -> None:
    """As it was sent, not as v2's words spell it."""
    with pytest.raises(InvalidQuery, match=r"^Order-by expression not valid: ") as raised:
        read_order(text)

    assert raised.value.field == "orderby"


@pytest.mark.parametrize("text", ["{", "[]", '{"no such operator": {}}'])
def test_a_filter(text: str) -> None:
    """Whatever it is."""
    with pytest.raises(InvalidQuery, match=r"^Filter expression not valid: ") as raised:
        read_filter(text, AllProjects(), 9)

    assert raised.value.field == "filter"
