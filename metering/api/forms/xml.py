"""Answers as XML, by WSME: its types follow from the dataclasses."""

import dataclasses
import re
import types
import typing
from decimal import Decimal
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET

import wsme.rest.xml
import wsme.types as wtypes
from msgspec import UNSET, UnsetType

# What XML 1.0 (section 2.2) cannot carry, even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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


class Number(wtypes.UserType):
    """An exact decimal in an answer."""

    basetype = wtypes.text
    name = "decimal"

    @staticmethod
    def tobasetype(value: Decimal) -> str:
        """The number, written out."""
        return format(value, "f")


@cache
def wsme_type(annotation: Any) -> Any:
    """The WSME type for an annotation that the dataclasses of answers use."""
    if dataclasses.is_dataclass(annotation):
        return _complex_type(typing.cast("type", annotation))
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is list:
        return wtypes.ArrayType(wsme_type(arguments[0]))
    if origin is dict:
        return wtypes.DictType(wtypes.text, wsme_type(arguments[1]))
    if origin is types.UnionType:
        rest = [one for one in arguments if one not in (types.NoneType, UnsetType)]
        return wsme_type(rest[0])
    return {str: wtypes.text, int: int, bool: bool, Decimal: Number()}[annotation]


def _complex_type(dataclass: type) -> Any:
    hints = typing.get_type_hints(dataclass)
    names = [field.name for field in dataclasses.fields(dataclass)]
    attributes = {name: wtypes.wsattr(wsme_type(hints[name])) for name in names}
    made = type(dataclass.__name__, (wtypes.Base,), {**attributes, "_wsme_attr_order": names})
    wtypes.register_type(made)
    return made


def for_wsme(value: Any) -> Any:
    """The value with absent fields marked as WSME marks them."""
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return types.SimpleNamespace(**{name: for_wsme(getattr(value, name)) for name in names})
    if isinstance(value, list):
        return [for_wsme(item) for item in value]
    return wtypes.Unset if value is UNSET else value
