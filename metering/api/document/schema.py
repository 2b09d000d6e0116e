"""JSON Schemas (2020-12) of declared types: dataclasses of answers, msgspec structs of bodies.

What a type alone does not say stands in its annotation: `Annotated[str, Meta(...)]` adds keywords
for documents only, `Mandatory` means neither absent nor null, whatever the reader lets through so
that it can word the refusal itself.
"""

import dataclasses
import typing
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any

import msgspec
from msgspec import Meta, UnsetType

from metering.api.framework.declare import MANDATORY

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Decimal: {"type": "number"},
    NoneType: {"type": "null"},
    Any: {},
    msgspec.Raw: {},
}


class Schemas:
    """Makes schemas; those of classes are kept by name and referred to."""

    def __init__(self) -> None:
        """Start with none."""
        self.components: dict[str, Schema] = {}

    def of(self, annotation: Any) -> Schema:
        """The schema of a type."""
        origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
        if origin is Annotated:
            return _with_words(self.of(arguments[0]), arguments[1:])
        if origin is list:
            return {"type": "array", "items": self.of(arguments[0])}
        if origin is dict:
            return {"type": "object", "additionalProperties": self.of(arguments[1])}
        if origin in (UnionType, typing.Union):
            return self._any_of([one for one in arguments if one is not UnsetType])
        return {**_PLAIN[annotation]} if annotation in _PLAIN else self._reference(annotation)

    def _any_of(self, members: list[Any]) -> Schema:
        schemas = [self.of(one) for one in members]
        plain, *others = schemas
        if others == [_PLAIN[NoneType]] and isinstance(plain.get("type"), str):
            return {**plain, "type": [plain["type"], "null"]}
        return {"anyOf": schemas} if others else plain

    def _reference(self, class_: type) -> Schema:
        name = class_.__name__.lstrip("_")
        if name not in self.components:
            self.components[name] = {}  # a class may hold itself
            self.components[name] = self._object(class_)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, class_: type) -> Schema:
        hints = _hints(class_)
        optional = _optional(class_, hints)
        schema = {
            "type": "object",
            "description": str(class_.__doc__),
            "properties": {name: self.of(hint) for name, hint in hints.items()},
            "required": [name for name in hints if name not in optional],
        }
        config = getattr(class_, "__struct_config__", None)
        return schema | ({"additionalProperties": False} if _is_closed(config) else {})


def _is_closed(config: Any) -> bool:
    return config is not None and config.forbid_unknown_fields


def _hints(class_: type) -> dict[str, Any]:
    """The annotations of the fields, by their names on the wire."""
    hints = typing.get_type_hints(class_, include_extras=True)
    if dataclasses.is_dataclass(class_):
        return hints
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(class_)}


def _optional(class_: type, hints: dict[str, Any]) -> set[str]:
    """The fields that may be absent: of an answer those that may be UNSET; of a body, defaults."""
    if dataclasses.is_dataclass(class_):
        return {name for name, hint in hints.items() if UnsetType in typing.get_args(hint)}
    return {
        field.encode_name
        for field in msgspec.structs.fields(class_)
        if not field.required and MANDATORY not in _words(hints[field.encode_name])
    }


def _words(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint)[1:] if typing.get_origin(hint) is Annotated else ()


def _with_words(schema: Schema, words: tuple[Any, ...]) -> Schema:
    for word in words:
        if isinstance(word, Meta):
            said = {} if word.description is None else {"description": word.description}
            schema = schema | said | (word.extra_json_schema or {})
        elif word == MANDATORY and isinstance(schema.get("type"), list):
            kind, *others = (one for one in schema["type"] if one != "null")
            schema = schema | {"type": [kind, *others] if others else kind}
    return schema
