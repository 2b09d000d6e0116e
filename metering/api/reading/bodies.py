"""Bodies that carry samples: an array, an object or lines become drafts, each by itself.

So one sample that is wrong, be it a NaN that some clients write and JSON has not, costs no other.
"""

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Raw

from metering.api.forms.media import JSON, JSON_TYPES, NDJSON
from metering.api.framework.endpoint import Body, Call
from metering.api.reading.shapes import (
    NOT_FINITE,
    AgentSample,
    Item,
    Read,
    V2Sample,
    read_array,
    read_either,
    read_item,
    read_v2,
)
from metering.errors import InvalidRequest, TooLarge, UnsupportedMedia

_NOT_EMPTY = Meta(extra_json_schema={"minItems": 1})
_Either = V2Sample | AgentSample

_KEY = "Idempotency-Key"

V2_SAMPLES = Body(
    types={JSON: Annotated[list[V2Sample], _NOT_EMPTY]}, headers=(_KEY,), is_kept=True
)
SAMPLES = Body(
    types={
        JSON: Annotated[list[_Either], _NOT_EMPTY] | V2Sample | AgentSample,
        NDJSON: Annotated[str, Meta(description="The same objects as in JSON, one on each line.")],
    },
    headers=(_KEY,),
    is_kept=True,
)


_items = msgspec.json.Decoder(list[Raw]).decode
_one = msgspec.json.Decoder(Raw).decode

# A string, closed or not, or a word that Python and JavaScript write for a number of that kind.
# Both patterns take one pass, whatever a body of megabytes holds.
_STRING_OR_NOT_FINITE = re.compile(rb'"(?:[^"\\]|\\.)*+"?|-?(?:NaN|Infinity)', re.DOTALL)
_LINE = re.compile(rb"[^\r\n]+")
# A body of commas would cost a hundred times its size to take apart; samples have some twenty each.
_COMMAS_FOR_A_SAMPLE = 100
_COMMAS_FOR_ANY_BODY = 500_000

T = TypeVar("T")


def read_v2_samples(call: Call, max_samples: int) -> list[Item]:
    """The samples of a JSON array in v2's shape.

    Raises:
        InvalidRequest: not a JSON array, or an empty one.
        TooLarge: more samples than that.
        UnsupportedMedia: not JSON.
    """
    return _read_array(_checked(call, JSON_TYPES), max_samples, read_v2)


def read_samples(call: Call, max_samples: int) -> list[Item]:
    """The samples of a JSON array, a single object or NDJSON lines, each in either shape.

    Raises:
        InvalidRequest: not JSON at all, or no sample.
        TooLarge: more samples than that.
        UnsupportedMedia: neither JSON nor NDJSON.
    """
    body = _checked(call, (*JSON_TYPES, NDJSON))
    if call.content_type == NDJSON:
        return _read_all(_lines(body, max_samples), read_either)
    if body.startswith(b"{"):
        return _read_all([bytes(_parsed(_with_words(body), _one))], read_either)
    return _read_array(body, max_samples, read_either)


def _with_words(body: bytes) -> bytes:
    """The body with numbers that are not finite as texts, which are refused one by one."""
    if b"NaN" not in body and b"Infinity" not in body:
        return body

    def quoted(found: re.Match[bytes]) -> bytes:
        word = found[0]
        return word if word.startswith(b'"') else msgspec.json.encode(NOT_FINITE + word.decode())

    return _STRING_OR_NOT_FINITE.sub(quoted, body)


def _checked(call: Call, media: Sequence[str]) -> bytes:
    if call.body and call.content_type not in media:
        wanted = " or ".join(one for one in media if one in (JSON, NDJSON))
        raise UnsupportedMedia(f"Unknown mimetype: {call.content_type[:100]}; wanted: {wanted}")
    try:
        call.body.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("Request is not in valid JSON format: not UTF-8") from None
    return call.body.strip()


def _read_array(body: bytes, max_samples: int, read: Read) -> list[Item]:
    if body in (b"", b"null"):
        return _read_all([], read)
    most = max(_COMMAS_FOR_ANY_BODY, _COMMAS_FOR_A_SAMPLE * max_samples)
    if len(body) > most and body.count(b",") > most:
        raise TooLarge(f"at most {most} commas in one request", field="samples")
    found = read_array(body)
    if found:
        _refuse_many(len(found), max_samples)
        return found
    pieces = _parsed(_with_words(body), _items)
    _refuse_many(len(pieces), max_samples)
    return _read_all([bytes(piece) for piece in pieces], read)


def _lines(body: bytes, max_samples: int) -> list[bytes]:
    lines = (line[0] for line in _LINE.finditer(body) if not line[0].isspace())
    found = list(islice(lines, max_samples + 1))
    _refuse_many(len(found), max_samples)
    return [_with_words(line) for line in found]


def _refuse_many(samples: int, max_samples: int) -> None:
    if samples > max_samples:
        raise TooLarge(f"at most {max_samples} samples in one request", field="samples")


def _parsed(body: bytes, decode: Callable[[bytes], T]) -> T:
    try:
        return decode(body)
    except msgspec.ValidationError:
        message = "Invalid input for field/attribute samples. Value not a valid list"
        raise InvalidRequest(message, field="samples") from None
    except (msgspec.DecodeError, RecursionError) as error:
        message = f"Request is not in valid JSON format: {error}"
        raise InvalidRequest(message) from None


def _read_all(items: list[bytes], read: Read) -> list[Item]:
    if not items:
        raise InvalidRequest("Samples should be included in request body", field="samples")
    return [read_item(item, read) for item in items]
