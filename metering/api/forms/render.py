"""How answers are written: JSON by msgspec, XML by WSME, from the same objects."""

import json
import re
from typing import Any

import msgspec

from metering.api.forms.media import XML
from metering.api.forms.xml import write_xml, xml_tree

encode = msgspec.json.Encoder(decimal_format="number").encode

_escape = json.JSONEncoder().encode
# In JSON, from the first letter that is not ASCII up to the end of the string, or to an escape.
_NOT_ASCII = re.compile(rb'[\x80-\xff][^"\\]*')


def render(value: Any, annotation: Any, content_type: str) -> bytes:
    """The value in that form; decimals are written out exactly, as number literals."""
    if content_type not in XML:
        return encode_in_ascii(value)
    return write_xml(xml_tree(value, annotation, "result"))


def encode_in_ascii(value: Any) -> bytes:
    """The value as JSON with escapes for what is not ASCII, as in v2: it needs no charset."""
    body = encode(value)
    if body.isascii():
        return body
    return _NOT_ASCII.sub(lambda found: _escape(found[0].decode())[1:-1].encode(), body)
