"""The body of POST /v2/query/samples: a filter, an order and a limit."""

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from metering.api.forms.media import JSON, JSON_TYPES, check_media_type
from metering.api.framework.declare import INTEGER
from metering.api.framework.endpoint import Body, Call
from metering.errors import InvalidQuery, InvalidRequest

_LONGEST_LIMIT = 100

_JSON_TEXT = Meta(extra_json_schema={"contentMediaType": JSON})
_LIMIT = Meta(
    description="A number, or its text; the default and the most are those of lists.",
    extra_json_schema={
        "type": ["number", "string", "null"],
        "minimum": 1,
        "pattern": r"^\s*\+?0*[1-9][0-9]{0,38}\s*$",
    },
)


class ComplexQuery(Struct, forbid_unknown_fields=True):
    """A complex query; filter and orderby hold JSON in a text."""

    filter: Annotated[str, _JSON_TEXT] | None = None
    orderby: Annotated[str, _JSON_TEXT] | None = None
    limit: Annotated[Raw, _LIMIT] = Raw(b"null")


BODY = Body(types={JSON: ComplexQuery})

_question = msgspec.json.Decoder(ComplexQuery).decode


def read_complex_query(call: Call) -> ComplexQuery:
    """The body, as it was sent; its filter and its order are texts still.

    Raises:
        InvalidRequest: not JSON, or of another shape.
        UnsupportedMedia: not sent as JSON.
    """
    if call.body:
        check_media_type(call.content_type, JSON_TYPES)
    if not call.body.strip():
        raise InvalidRequest('Missing argument: "body"', field="body")
    try:
        return _question(call.body)
    except msgspec.ValidationError as error:
        message = f"Invalid input for field/attribute body: {error}"
        raise InvalidRequest(message, field="body") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"Request is not in valid JSON format: {error}"
        raise InvalidRequest(message, field="body") from None


def read_limit_of(literal: Raw) -> int | None:
    """A whole number: as one, as text, or cut from a fraction, as v2 took it; None for null.

    Raises:
        InvalidQuery: anything else.
    """
    text = bytes(literal).decode()
    try:
        value = msgspec.json.decode(text) if len(text) <= _LONGEST_LIMIT else text
    except msgspec.DecodeError:  # a number that is out of range
        value = text
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and INTEGER.fullmatch(value):
        return int(value)
    message = f"Invalid input for field/attribute limit. Value: '{str(value)[:100]}'."
    raise InvalidQuery(message, field="limit")
