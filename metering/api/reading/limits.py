"""`limit`: how many rows an answer has."""

import sys

from metering.config import ApiConfig
from metering.errors import InvalidQuery


def read_limit(limit: int | None, config: ApiConfig) -> int:
    """How many rows a list has: what was asked for, at most `max_limit`.

    Raises:
        InvalidQuery: not positive.
    """
    asked = read_whole_limit(limit)
    return min(config.default_limit if asked is None else asked, config.max_limit)


def read_whole_limit(limit: int | None) -> int | None:
    """How many rows an answer has that is made while it is sent: as many as asked for, or all.

    Raises:
        InvalidQuery: not positive.
    """
    if limit is not None and limit <= 0:
        raise InvalidQuery("Limit must be positive", field="limit")
    return None if limit is None else min(limit, sys.maxsize)
