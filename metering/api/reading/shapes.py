"""The two shapes of a sample: v2's (`counter_name` ...) and that of today's agents (`name` ...).

Unknown keys are refused in the first and ignored in the second, but for those of the first: whoever
mixes them up would lose an id without a word. Numbers are taken from the text of
the body, never through a float. Of two equal keys in one object the last counts.
"""

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from metering.api.framework.declare import MANDATORY, Mandatory
from metering.decimals import MAX_DIGITS, MAX_PLACES, MAX_WHOLE_DIGITS, PLAIN_NUMBER
from metering.errors import InvalidSample
from metering.metadata import MAX_BYTES, Metadata
from metering.model import MeterType
from metering.recording.checking import MAX_TEXT_LENGTH
from metering.recording.drafts import Draft

_V2_NAMES = MappingProxyType(
    {
        "meter": "counter_name",
        "type": "counter_type",
        "unit": "counter_unit",
        "volume": "counter_volume",
        "id": "message_id",
        "metadata": "resource_metadata",
    }
)
_AGENT_NAMES = MappingProxyType({"meter": "name", "metadata": "resource_metadata"})


_VOLUME = Meta(
    description=f"A number or its text; at most {MAX_DIGITS} digits, {MAX_PLACES} of them places.",
    extra_json_schema={
        "type": ["number", "string"],
        "pattern": f"^({PLAIN_NUMBER.pattern})$",
        "exclusiveMinimum": -(10**MAX_WHOLE_DIGITS),
        "exclusiveMaximum": 10**MAX_WHOLE_DIGITS,
    },
)
_METADATA = Meta(
    description=f"A description of the resource, nested and typed; at most {MAX_BYTES} bytes.",
    extra_json_schema={"type": ["object", "null"]},
)
_TEXT = {"maxLength": MAX_TEXT_LENGTH, "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$"}
_Text = Annotated[str, Meta(extra_json_schema=_TEXT)]
_Name = Annotated[str, Meta(extra_json_schema={**_TEXT, "minLength": 1})]
_Type = Annotated[str, Meta(extra_json_schema={"enum": [one.value for one in MeterType]})]
_Time = Annotated[
    str, Meta(description="ISO 8601, 1970 to tomorrow; UTC without an offset. Default: now.")
]


class V2Sample(Struct, forbid_unknown_fields=True):
    """A sample in v2's shape."""

    counter_name: Mandatory[_Name] = None
    counter_type: Mandatory[_Type] = None
    counter_unit: Mandatory[_Text] = None
    counter_volume: Annotated[Raw, MANDATORY, _VOLUME] = Raw()
    resource_id: Mandatory[_Name] = None
    project_id: _Text | None = None
    user_id: _Text | None = None
    source: _Text | None = None
    message_id: _Text | None = None
    timestamp: _Time | None = None
    recorded_at: str | None = None
    resource_metadata: Annotated[Raw, _METADATA] = Raw()


class AgentSample(Struct):
    """A sample in the shape of today's agents; other keys are ignored, but v2's are refused."""

    name: Mandatory[_Name] = None
    type: Mandatory[_Type] = None
    unit: Mandatory[_Text] = None
    volume: Annotated[Raw, MANDATORY, _VOLUME] = Raw()
    resource_id: Mandatory[_Name] = None
    project_id: _Text | None = None
    user_id: _Text | None = None
    source: _Text | None = None
    id: _Name | None = None
    timestamp: _Time | None = None
    resource_metadata: Annotated[Raw, _METADATA] = Raw()


class _CompleteV2Sample(V2Sample, forbid_unknown_fields=True, kw_only=True):
    """One that has all that it must have: so a body holds no more of them than it has room for."""

    counter_name: str
    counter_type: str
    counter_unit: str
    counter_volume: Raw
    resource_id: str


class _Peek(Struct):
    """What tells the shapes apart, and keys that may be taken for the agents' and are not.

    These are v2's, or what answers and questions call the same.
    """

    name: Raw | UnsetType = UNSET
    counter_name: Raw | UnsetType = UNSET
    counter_type: Raw | UnsetType = UNSET
    counter_unit: Raw | UnsetType = UNSET
    counter_volume: Raw | UnsetType = UNSET
    message_id: Raw | UnsetType = UNSET
    meter: Raw | UnsetType = UNSET
    metadata: Raw | UnsetType = UNSET
    project: Raw | UnsetType = UNSET
    tenant_id: Raw | UnsetType = UNSET
    resource: Raw | UnsetType = UNSET
    user: Raw | UnsetType = UNSET


_MISTAKEN = _Peek.__struct_fields__[2:]


_peek = msgspec.json.Decoder(_Peek).decode
_complete_v2 = msgspec.json.Decoder(list[_CompleteV2Sample]).decode
_v2 = msgspec.json.Decoder(V2Sample).decode
_agent = msgspec.json.Decoder(AgentSample).decode
_text = msgspec.json.Decoder(str).decode

_NOT_FINITE_INSIDE = re.compile(rb'"\\u0000-?(NaN|Infinity)"')

# Stands in a text for a number that is not finite: nothing else that is accepted holds a NUL.
NOT_FINITE = "\0"

Read = Callable[[bytes], Draft]
Item = Draft | InvalidSample


def read_array(body: bytes) -> list[Item] | None:
    """The samples of an array, if all are complete and in v2's shape, as they usually are.

    None of any other body, whatever is the matter with it. Much faster than to cut the array and
    read piece by piece.
    """
    try:
        return [_v2_draft_or_fault(sent) for sent in _complete_v2(body)]
    except (msgspec.MsgspecError, RecursionError):
        return None


def read_item(item: bytes, read: Read) -> Item:
    """The sample in a piece of JSON, by one of the readers below, or why it is none."""
    try:
        return read(item)
    except InvalidSample as error:
        return error
    except RecursionError:
        return InvalidSample("the sample is nested too deeply")
    except msgspec.MsgspecError as error:
        return _fault(str(error))


_NAMED = re.compile(r"`\$\.(?P<path>\w+)|unknown field `(?P<unknown>[^`]{0,100})")


def _fault(message: str) -> InvalidSample:
    """The words of msgspec, in v2's where v2 had some, with the field that they name."""
    found = _NAMED.search(message)
    if found is None:
        return InvalidSample(f"Invalid sample: {message[:200]}")
    if found["unknown"] is not None:
        unknown = found["unknown"]
        text = f"Unknown attribute for argument samples: {unknown}"
        return InvalidSample(text, field=unknown)
    text = f"Invalid input for field/attribute {found['path']}: {message[:200]}"
    return InvalidSample(text, field=found["path"])


def read_either(item: bytes) -> Draft:
    """v2's shape if it has v2's name, or none; the agents' otherwise."""
    peek = _peek(item)
    if peek.counter_name is not UNSET or peek.name is UNSET:
        return read_v2(item)
    for key in _MISTAKEN:
        if getattr(peek, key) is not UNSET:
            text = f"Unknown attribute for argument samples: {key}: it has no place beside name"
            raise InvalidSample(text, field=key)
    return _read_agent(item)


def read_v2(item: bytes) -> Draft:
    """v2's shape."""
    return _v2_draft(_v2(item))


def _v2_draft_or_fault(sent: V2Sample) -> Item:
    try:
        return _v2_draft(sent)
    except InvalidSample as error:
        return error


def _v2_draft(sent: V2Sample) -> Draft:
    return Draft(
        meter=sent.counter_name,
        type=sent.counter_type,
        unit=sent.counter_unit,
        volume=_volume(sent.counter_volume, "counter_volume"),
        resource_id=sent.resource_id,
        project_id=sent.project_id,
        user_id=sent.user_id,
        source=sent.source,
        id=sent.message_id or None,
        timestamp=sent.timestamp,
        recorded_at=sent.recorded_at,
        metadata=_metadata(sent.resource_metadata),
        names=_V2_NAMES,
    )


def _read_agent(item: bytes) -> Draft:
    sent = _agent(item)
    return Draft(
        meter=sent.name,
        type=sent.type,
        unit=sent.unit,
        volume=_volume(sent.volume, "volume"),
        resource_id=sent.resource_id,
        project_id=sent.project_id,
        user_id=sent.user_id,
        source=sent.source,
        id=sent.id,
        timestamp=sent.timestamp,
        metadata=_metadata(sent.resource_metadata),
        names=_AGENT_NAMES,
    )


def _volume(raw: Raw, field: str) -> str | None:
    """The text of a number literal or of a string; what it may be is decided later."""
    literal = bytes(raw)
    kind = literal[:1]
    if kind and kind in b"-0123456789":
        return literal.decode()
    if kind in (b"", b"n"):
        return None
    if kind != b'"':
        message = f"{field} must be a number, not {literal[:100].decode(errors='replace')}"
        raise InvalidSample(message, field=field)
    text = _text(literal)
    if text.startswith(NOT_FINITE):
        raise InvalidSample(f"{field} must be a finite number", field=field)
    return text


def _metadata(raw: Raw) -> Metadata | None:
    literal = bytes(raw)
    try:
        return None if literal in (b"", b"null") else Metadata.read(literal)
    except InvalidSample as error:
        field, message = _V2_NAMES["metadata"], error.message
        if _NOT_FINITE_INSIDE.search(literal):
            message = f"{field} holds a number that is not finite"
        raise InvalidSample(message, field=field) from None
