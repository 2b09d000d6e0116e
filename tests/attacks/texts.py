"""Hostile texts that come in bodies and in queries alike."""

import json

DEEP = 10_000
SURROGATE = '"\\ud800"'

BAD_TIMES = {
    "number": "1433160000",
    "boolean": "true",
    "empty": '""',
    "blank": '" "',
    "words": '"yesterday"',
    "epoch text": '"1433160000"',
    "24:00": '"2015-06-01T24:00:00"',
    "leap second": '"2015-06-30T23:59:60"',
    "30 February": '"2015-02-30"',
    "month 13": '"2015-13-01"',
    "offset +99:99": '"2015-06-01T12:00:00+99:99"',
    "garbage after": '"2015-06-01T12:00:00garbage"',
    "full width": '"\uff12\uff10\uff11\uff15-06-01"',
    "before year 1 in UTC": '"0001-01-01T00:00:00+23:59"',
    "after year 9999 in UTC": '"9999-12-31T23:59:59-23:59"',
    "year 10000": '"10000-01-01"',
    "before 1970": '"1969-12-31T23:59:59.999"',
    "far future": '"9999-12-31"',
    "RFC 822": '"Mon, 01 Jun 2015 12:00:00 +0000"',
    "week date": '"2015-W23-1"',
    "NUL": '"2015-06-01\\u0000"',
    "a megabyte": json.dumps("2" * 1_000_000),
}


def nested(opening: str, closing: str) -> str:
    """A number inside ten thousand levels."""
    return opening * DEEP + "1" + closing * DEEP
