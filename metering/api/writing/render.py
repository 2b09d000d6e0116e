"""How answers are written: JSON and its lines by msgspec, XML by WSME, from the same objects."""

import re
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import wsme.rest.xml

from metering.api.framework.declare import for_wsme, wsme_type

JSON = "application/json"
XML = ("application/xml", "text/xml")
NDJSON = "application/x-ndjson"
CSV = "text/csv"

encode = msgspec.json.Encoder(decimal_format="number").encode

# What XML 1.0 (section 2.2) cannot carry, even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(value: Any, annotation: Any, content_type: str) -> bytes:
    """The value in that form; decimals are written out exactly, as number literals."""
    if content_type not in XML:
        return encode(value)
    return write_xml(xml_tree(value, annotation, "result"))


def xml_tree(value: Any, annotation: Any, root: str) -> ET.Element:
    """The value as WSME lays it out: lists as `item`, dicts as `item` with `key` and `value`."""
    tree: ET.Element = wsme.rest.xml.toxml(wsme_type(annotation), root, for_wsme(value))
    return tree


def write_xml(tree: ET.Element) -> bytes:
    """The element as UTF-8; a character that XML cannot carry becomes U+FFFD."""
    for element in tree.iter():
        if element.text:
            element.text = _NOT_XML.sub("\ufffd", element.text)
    written: bytes = ET.tostring(tree, encoding="utf-8")
    return written
