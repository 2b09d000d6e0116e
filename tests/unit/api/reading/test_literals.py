"""Values of conditions: by type, or as Python literals."""

import contextlib
import math
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.api.reading.literals import TYPES, read_typed, read_untyped
from metering.errors import InvalidQuery


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("-7", -7),
        ("+7", 7),
        ("0", 0),
        ("00", 0),
        ("1 ", 1),
        ("0x10", 16),
        ("1_000", 1000),
        ("1.5", Decimal("1.5")),
        ("0.10", Decimal("0.10")),
        (".5", Decimal("0.5")),
        ("5.", Decimal(5)),
        ("1e3", Decimal(1000)),
        ("1e9999", Decimal("1e9999")),
        ("9" * 400, int("9" * 400)),
        ("9" * 5000, Decimal("9" * 5000)),
        ("1e99999", Decimal("Infinity")),
        ("True", True),
        ("None", None),
        ("'1'", "1"),
        ('"a" "b"', "ab"),
        ("''", ""),
        ("[1, 'a', None]", [1, "a", None]),
        ("(1, 0.1)", [1, Decimal("0.1")]),
        ("{'a': {'b': 1.5}}", {"a": {"b": Decimal("1.5")}}),
    ],
)
def test_literals(text: str, expected: Any) -> None:
    """A Python literal is its value; numbers are exact."""
    found = read_untyped(text)

    assert (expected, type(expected)) == (found, type(found))


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " 1",
        " a b ",
        "linux",
        "true",
        "null",
        "nan",
        "inf",
        "01",
        "007",
        "1-1",
        "1+1",
        "1j",
        "b'x'",
        "{1, 2}",
        "{1: 2}",
        "[b'x']",
        "{'a': {1}}",
        "2015-06-01T00:00:00",
        "f'{1}'",
        "__import__('os')",
        "[].append",
        "{[]: 1}",
        "\0",
        "'\ud800",
        "\uff11",
        "(" * 5000,
        "[" * 900,
        "-" * 900 + "1",
        "'" + "x" * 1000 + "'",
    ],
)
def test_all_else_is_text(text: str) -> None:
    """What is no literal that JSON has a value for is the text itself."""
    assert text == read_untyped(text)


@given(st.text())
def test_untyped_never_fails(text: str) -> None:
    """Every text has a value."""
    read_untyped(text)


@given(st.text(), st.sampled_from([*TYPES, "blob", ""]))
def test_typed_fails_in_one_way(text: str, type_name: str) -> None:
    """A text has a value of a type, or is an invalid query."""
    with contextlib.suppress(InvalidQuery):
        read_typed(text, type_name)


@pytest.mark.parametrize(
    ("text", "type_name", "expected"),
    [
        ("1", "integer", 1),
        (" -1 ", "integer", -1),
        ("1", "float", Decimal(1)),
        (" 1e-3", "float", Decimal("0.001")),
        ("1", "string", "1"),
        ("", "string", ""),
        *((word, "boolean", True) for word in ("t", "TRUE", "On", "y", "yes", "1", " yes ")),
        *((word, "boolean", False) for word in ("f", "False", "OFF", "n", "no", "0")),
        ("2015-06-01", "datetime", datetime(2015, 6, 1, tzinfo=UTC)),
        ("2015-06-01T02:00+02:00", "datetime", datetime(2015, 6, 1, tzinfo=UTC)),
    ],
)
def test_typed(text: str, type_name: str, expected: Any) -> None:
    """A text with a type is read as that type."""
    found = read_typed(text, type_name)

    assert (expected, type(expected)) == (found, type(found))


@pytest.mark.parametrize("text", ["nan", "NaN", "inf", "-Infinity", " +inf "])
def test_float_that_is_no_number(text: str) -> None:
    """What is not finite is taken, as v2 did, and equals nothing."""
    found = read_typed(text, "float")

    assert isinstance(found, Decimal)
    assert math.isnan(found)


@pytest.mark.parametrize(
    ("text", "type_name"),
    [
        ("", "integer"),
        ("1.0", "integer"),
        ("0x10", "integer"),
        ("1_0", "integer"),
        ("\u0663", "integer"),
        ("9" * 401, "integer"),
        ("", "float"),
        ("1_0.0", "float"),
        ("1e99999", "float"),
        ("x", "float"),
        ("", "boolean"),
        ("2", "boolean"),
        ("ja", "boolean"),
        ("", "datetime"),
        ("now", "datetime"),
        ("x", "String"),
        ("x", "int"),
    ],
)
def test_typed_refused(text: str, type_name: str) -> None:
    """A text that is no value of its type, or a type that there is not, is refused."""
    with pytest.raises(InvalidQuery):
        read_typed(text, type_name)
