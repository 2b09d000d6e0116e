"""WSME types that follow from dataclasses."""

from decimal import Decimal

import pytest
import wsme.types as wtypes
from msgspec import UNSET

from metering.api.forms.xml import Number, for_wsme, wsme_type
from metering.api.writing.wire import LinkBody, ResourceBody, StatisticsBody


@pytest.mark.parametrize(("number", "text"), [("1E-7", "0.0000001"), ("1E+3", "1000"), ("0", "0")])
def test_numbers_are_written_out(number: str, text: str) -> None:
    """A number has no exponent."""
    assert text == Number.tobasetype(Decimal(number))


def test_order_of_fields() -> None:
    """The fields of a type come in the order of the dataclass."""
    names = [attribute.name for attribute in wtypes.list_attributes(wsme_type(LinkBody))]

    assert ["href", "rel"] == names


def test_nested_types() -> None:
    """Lists, dicts, unions and dataclasses have their types."""
    links = wsme_type(ResourceBody).links.datatype
    groupby = wsme_type(StatisticsBody).groupby.datatype

    assert isinstance(links, wtypes.ArrayType)
    assert isinstance(groupby, wtypes.DictType)
    assert wsme_type(LinkBody) is links.item_type


def test_absent_fields_are_unset() -> None:
    """A field that is absent is so for WSME too, also inside lists."""
    (link,) = for_wsme([LinkBody(href="x", rel=UNSET)])  # type: ignore[arg-type] # for the test

    assert ("x", wtypes.Unset) == (link.href, link.rel)
