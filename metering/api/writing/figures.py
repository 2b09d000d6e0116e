"""What rows of figures have in common: decimals as text, and details."""

from decimal import Decimal

from metering.api.writing.wire import DetailBody
from metering.decimals import with_fraction
from metering.usage.figures import Detail


def detail_to_api(detail: Detail) -> DetailBody:
    """What a quantity is made of."""
    return DetailBody(
        unit=detail.unit,
        measured=fractional(detail.measured),
        interpolated=fractional(detail.interpolated),
        resets=detail.resets,
        unit_seconds=fractional(detail.unit_seconds),
        observed_seconds=fractional(detail.observed_seconds),
        quality=detail.quality.value,
    )


def fractional(number: Decimal | None) -> Decimal | None:
    """As v2 wrote whatever it did not count: with a fraction, which clients take for a float."""
    return None if number is None else with_fraction(number)


def decimal_text(number: Decimal) -> str:
    """A decimal as text, so that whatever reads it keeps every digit."""
    return format(number, "f")


def optional_decimal_text(number: Decimal | None) -> str | None:
    """The same; null where there is no figure."""
    return None if number is None else decimal_text(number)
