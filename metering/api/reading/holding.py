"""`max_gap` and `first`: how a question wants intervals between readings to count."""

import re
from datetime import timedelta
from decimal import Decimal

from metering.api.reading.choices import read_choice
from metering.config import MOST_SECONDS, UsageConfig
from metering.errors import InvalidQuery
from metering.times import MILLISECOND

FIRST = ("baseline", "zero")
FOR_EVER = "none"
MAX_GAP = r"[0-9]{1,12}(\.[0-9]{1,3})?"


def read_max_gap(text: str | None, config: UsageConfig) -> timedelta | None:
    """How long a reading holds at most: so many seconds, or for ever; else as is configured.

    Raises:
        InvalidQuery: neither a number of seconds, with up to three decimals, nor `none`.
    """
    if text is None:
        return config.max_gap
    if text == FOR_EVER:
        return None
    if not re.fullmatch(MAX_GAP, text, re.ASCII) or Decimal(text) > MOST_SECONDS:
        message = (
            f"max_gap must be a number of seconds, at most {MOST_SECONDS} and with three decimals, "
            f"or {FOR_EVER}, not '{text[:100]}'"
        )
        raise InvalidQuery(message, field="max_gap")
    return int(Decimal(text).scaleb(3)) * MILLISECOND


def read_first(text: str | None) -> bool:
    """Whether the first reading of a stream counts from zero.

    Raises:
        InvalidQuery: neither `baseline` nor `zero`.
    """
    return read_choice(text, FIRST, "first", "baseline") == "zero"
