"""Exact decimal numbers: what a volume may be, its one form, and the contexts of arithmetic.

Floats have no place in a quantity that can be billed. A volume is finite, has at most 34
significant digits, is below 1e27 and has at most 27 decimal places, so that two Decimal128 sums
(whole and fraction) of ten million of them never round.
"""

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext

from metering.errors import InvalidSample

MAX_DIGITS = 34
MAX_WHOLE_DIGITS = 27
MAX_PLACES = 27

# Squares of volumes have at most 108 digits; ten digits more for how many are added.
EXACT = Context(prec=160, traps=[Inexact, InvalidOperation])
_WITH_FRACTION = Decimal("0.0")
_PLACES = 12
_LONGEST_TEXT = 400
# No number that is read has more digits: only a root is ever rounded by it.
_GENEROUS = Context(prec=2 * _LONGEST_TEXT)
_TWENTY_DIGITS = Context(prec=20)

# In their one form already; as long as the shortest limit, so that they keep to all of them.
_USUAL = re.compile(r"0|-?[1-9][0-9]*|-?(0|[1-9][0-9]*)\.[0-9]*[1-9]")
_LONGEST_USUAL = min(MAX_DIGITS, MAX_WHOLE_DIGITS, MAX_PLACES)

PLAIN_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


# A number, too, but not one that can be kept. Possessive, so that no text takes more than one pass.
_TOO_LONG = re.compile(r"[+-]?([0-9]++\.?[0-9]*+|\.[0-9]++)([eE][+-]?[0-9]++)?", re.ASCII)


def canonical(number: Decimal) -> Decimal:
    """The same value in its one form: no trailing zeros, no positive exponent, no minus zero."""
    if not number:
        return Decimal(0)
    number = number.normalize(_GENEROUS)
    if number.as_tuple().exponent > 0:  # type: ignore[operator] # finite, so an int
        return number.quantize(Decimal(1), context=_GENEROUS)
    return number


def with_fraction(number: Decimal) -> Decimal:
    """The same value, written with a fraction and without a positive exponent: `1536.0`."""
    return EXACT.add(number, _WITH_FRACTION)


def read_volume(value: Decimal | int | str, field: str) -> Decimal:
    """The volume that a number, or its plain text, names, in canonical form.

    Raises:
        InvalidSample: not a plain finite number, or too long, too large or too fine to be kept
            without rounding.
    """
    if isinstance(value, str) and len(value) <= _LONGEST_USUAL and _USUAL.fullmatch(value):
        # What nearly every sample has: nothing to check, nothing to change.
        return Decimal(value)
    number = _number(value, field)
    if not number.is_finite():
        raise InvalidSample(f"{field} must be a finite number", field=field)
    if not number:
        return Decimal(0)
    if number.adjusted() >= MAX_WHOLE_DIGITS:
        raise InvalidSample(f"{field} must be below 1e{MAX_WHOLE_DIGITS}", field=field)
    if number.adjusted() < -MAX_PLACES or len(number.as_tuple().digits) > _LONGEST_TEXT:
        raise InvalidSample(f"{field} has more than {MAX_PLACES} decimal places", field=field)
    number = canonical(number)
    digits, exponent = number.as_tuple().digits, int(number.as_tuple().exponent)
    if -exponent > MAX_PLACES:
        raise InvalidSample(f"{field} has more than {MAX_PLACES} decimal places", field=field)
    if len(digits) > MAX_DIGITS:
        raise InvalidSample(f"{field} has more than {MAX_DIGITS} digits", field=field)
    return number


def read_number(text: str) -> Decimal:
    """The number of a JSON literal.

    Raises:
        ValueError: its exponent is beyond what a decimal can have.
    """
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("number out of range") from None


def _number(value: Decimal | int | str, field: str) -> Decimal:
    if isinstance(value, str):
        if len(value) <= _LONGEST_TEXT and PLAIN_NUMBER.fullmatch(value):
            return Decimal(value)
        if _TOO_LONG.fullmatch(value):
            message = f"{field} is too long: at most {MAX_DIGITS} digits, an exponent of at most 4"
            raise InvalidSample(message, field=field)
    elif not isinstance(value, bool):
        return Decimal(value)
    raise InvalidSample(f"{field} must be a number, not '{str(value)[:100]}'", field=field)


def quotient(dividend: Decimal, divisor: int) -> Decimal:
    """The dividend over the divisor, to 20 significant digits, half-even."""
    return canonical(_TWENTY_DIGITS.divide(dividend, Decimal(divisor)))


def rounded_quotient(dividend: Decimal, divisor: Decimal | int) -> Decimal:
    """The dividend over a positive divisor to 12 decimal places, half-even: as quantities are."""
    with localcontext(EXACT):
        whole, rest = divmod(dividend.scaleb(_PLACES), divisor)
        beyond = 2 * abs(rest) - divisor  # of half a unit of the last place
        if beyond > 0 or (beyond == 0 and whole % 2):
            whole += 1 if rest > 0 else -1
        return canonical(whole.scaleb(-_PLACES))


def root_quotient(radicand: Decimal, divisor: int) -> Decimal:
    """The root of the radicand over the divisor, to 20 significant digits, half-even."""
    root = _GENEROUS.sqrt(radicand)
    return canonical(_TWENTY_DIGITS.plus(_GENEROUS.divide(root, Decimal(divisor))))
