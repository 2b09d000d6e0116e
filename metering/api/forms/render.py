"""How answers are written: JSON by msgspec, XML by WSME, from the same objects."""

from typing import Any

import msgspec

from metering.api.forms.media import XML
from metering.api.forms.xml import write_xml, xml_tree

encode = msgspec.json.Encoder(decimal_format="number").encode


def render(value: Any, annotation: Any, content_type: str) -> bytes:
    """The value in that form; decimals are written out exactly, as number literals."""
    if content_type not in XML:
        return encode(value)
    return write_xml(xml_tree(value, annotation, "result"))
