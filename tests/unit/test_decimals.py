"""Which volumes are taken, their one form, and how quotients are rounded."""

from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
import strategies
from builders import rounded
from hypothesis import given
from hypothesis import strategies as st

from metering.decimals import (
    EXACT,
    canonical,
    quotient,
    read_volume,
    root_quotient,
    rounded_quotient,
)
from metering.errors import InvalidSample

TAKEN = [
    ("0", "0"),
    ("-0", "0"),
    ("0.000", "0"),
    ("0e5", "0"),
    ("7", "7"),
    ("+7", "7"),
    ("007", "7"),
    ("-7.50", "-7.50"),
    (".5", "0.5"),
    ("5.", "5"),
    ("20.5e0", "20.5"),
    ("2E3", "2000"),
    ("25e-1", "2.5"),
    ("1e26", "100000000000000000000000000"),
    ("999999999999999999999999999", "999999999999999999999999999"),
    ("-999999999999999999999999999", "-999999999999999999999999999"),
    ("1e-27", "0.000000000000000000000000001"),
    ("1234567.890123456789012345678901234", "1234567.890123456789012345678901234"),
    ("0.1000000000000000000000000000000000000", "0.1"),
    ("1" + "0" * 26 + "." + "0" * 50, "100000000000000000000000000"),
    (0, "0"),
    (7, "7"),
    (-(10**27) + 1, "-999999999999999999999999999"),
    (Decimal("-0.0"), "0"),
    (Decimal("1.50"), "1.5"),
    (Decimal("0E+999999"), "0"),
    (Decimal("0E-999999"), "0"),
]

REFUSED = [
    "",
    " ",
    " 1 ",
    "1 ",
    "1\n",
    "1_000",
    "1,5",
    "1 000",
    "0x10",
    "1e",
    "e5",
    ".",
    "--1",
    "1.2.3",
    "one",
    "nan",
    "NaN",
    "sNaN",
    "inf",
    "-Infinity",
    "true",
    "None",
    "\uff11",
    "\u0663",
    "1e999999999",
    "1e9999",
    "1e-9999",
    "1e27",
    "-1e27",
    "1000000000000000000000000000",
    "1e-28",
    "0.1234567890123456789012345678",
    "12345678.123456789012345678901234567",
    "1" * 35,
    "1." + "0" * 200 + "1",
    "0" * 10**6 + "1",
    True,
    False,
    10**27,
    10**5000,
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Decimal("-Infinity"),
    Decimal("1E+999999999"),
    Decimal("1E-999999999"),
    Decimal("1." + "1" * 500),
]


def _name(value: Any) -> str:
    return repr(value)[:40] if not isinstance(value, int) or value < 10**30 else "huge int"


@pytest.mark.parametrize(("value", "expected"), TAKEN, ids=_name)
def test_taken(value: Any, expected: str) -> None:
    """A plain number that can be kept without rounding is taken, with its value unchanged."""
    assert Decimal(expected) == read_volume(value, "volume")


@pytest.mark.parametrize("value", REFUSED, ids=_name)
def test_refused(value: Any) -> None:
    """Anything else is refused, with the field named and a message of bounded length."""
    with pytest.raises(InvalidSample) as raised:
        read_volume(value, "counter_volume")

    assert "counter_volume" == raised.value.field
    assert raised.value.message.startswith("counter_volume ")
    assert len(raised.value.message) < 200


@pytest.mark.parametrize("value", ["1e1000000000", "-1e-1000000000", "9" * 6000, "0." + "1" * 500])
def test_too_long_is_no_other_thing(value: str) -> None:
    """A number that is longer than any that is read is called one."""
    with pytest.raises(InvalidSample, match="volume is too long: at most 34 digits"):
        read_volume(value, "volume")


@given(strategies.volumes)
def test_every_volume_is_taken(volume: Decimal) -> None:
    """What has at most 27 digits before and 27 after the point, 34 in all, is taken as it is."""
    short = len(canonical(volume).as_tuple().digits) <= 34

    assert short
    assert volume == read_volume(volume, "volume") == read_volume(str(volume), "volume")


@given(
    st.text("0123456789.eE+-_ nainf", max_size=50)
    | st.text("0019.-", max_size=30)
    | st.text(max_size=5)
)
def test_any_text_is_taken_or_refused(text: str) -> None:
    """No text raises anything else; what is taken has the value that Python reads, in one form."""
    try:
        volume = read_volume(text, "volume")
    except InvalidSample:
        return

    assert Decimal(text) == volume
    assert canonical(Decimal(text)).as_tuple() == volume.as_tuple()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("1.500", "1.5"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("1.0E+3", "1000"),
        ("-0", "0"),
        ("0.00", "0"),
        ("0E+9", "0"),
        ("-2.50E-3", "-0.0025"),
        ("123456789012345678901234567890123456789012345678901234567890.10", None),
    ],
)
def test_canonical(number: str, expected: str | None) -> None:
    """Equal numbers have one form: no trailing zeros, no exponent above zero, no minus zero."""
    expected = expected or number.rstrip("0")

    assert Decimal(expected).as_tuple() == canonical(Decimal(number)).as_tuple()


@given(strategies.volumes, st.integers(0, 20))
def test_canonical_is_one_form(volume: Decimal, zeros: int) -> None:
    """However many zeros a number is written with, its canonical form is the same."""
    with localcontext(EXACT):
        padded = volume.quantize(Decimal(1).scaleb(-27 - zeros))

    assert volume == canonical(padded)
    assert canonical(volume).as_tuple() == canonical(padded).as_tuple()
    assert canonical(volume).as_tuple() == canonical(canonical(volume)).as_tuple()


@pytest.mark.parametrize(
    ("dividend", "divisor", "expected"),
    [
        ("10", 4, "2.5"),
        ("0", 3, "0"),
        ("1", 3, "0.33333333333333333333"),
        ("-2", 3, "-0.66666666666666666667"),
        ("100000000000000000005", 10, "10000000000000000000"),
        ("100000000000000000015", 10, "10000000000000000002"),
        ("1E+30", 1, "1000000000000000000000000000000"),
    ],
)
def test_quotient(dividend: str, divisor: int, expected: str) -> None:
    """A quotient has 20 significant digits, rounded half to even."""
    assert Decimal(expected).as_tuple() == quotient(Decimal(dividend), divisor).as_tuple()


@pytest.mark.parametrize(
    ("radicand", "divisor", "expected"),
    [
        ("4", 1, "2"),
        ("2", 1, "1.4142135623730950488"),
        ("2", 3, "0.47140452079103168293"),
        ("0", 5, "0"),
        ("1E+54", 10, "100000000000000000000000000"),
    ],
)
def test_root_quotient(radicand: str, divisor: int, expected: str) -> None:
    """A root over a number has 20 significant digits, rounded once."""
    assert Decimal(expected).as_tuple() == root_quotient(Decimal(radicand), divisor).as_tuple()


# Over 2 or 4, multiples of small parts of the last place that is kept are often ties.
close_to_ties = st.integers(-50, 50).map(lambda number: Decimal(number).scaleb(-12))


@given(
    close_to_ties | st.builds(EXACT.multiply, strategies.volumes, st.integers(1, 10**15)),
    st.sampled_from([1, 2, 3, 4]) | st.integers(1, 4 * 10**14),
)
def test_rounded_quotient(dividend: Decimal, divisor: int) -> None:
    """It is the fraction, rounded once, half to even."""
    expected = rounded(Fraction(dividend) / divisor)

    assert expected.as_tuple() == rounded_quotient(dividend, divisor).as_tuple()
