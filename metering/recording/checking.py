"""What the fields of a draft become: checked, and completed where they were not sent.

Identity decides what may be written: a caller who is no administrator writes for the own project
only, and under a source that begins with it, so no tenant can take another's key.
"""

import hashlib
import re
import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from metering import times
from metering.decimals import read_volume
from metering.errors import InvalidRequest, InvalidSample
from metering.model import MeterType, Track
from metering.recording.drafts import Author, Draft, Manner

DEFAULT_SOURCE = "openstack"
MAX_TEXT_LENGTH = 255
MAX_AHEAD = timedelta(days=1)

_NONE: frozenset[str] = frozenset()
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def track_of(draft: Draft, manner: Manner) -> Track:
    """The track that a draft belongs to; its source and owner follow from who sends it.

    Raises:
        InvalidSample: what was sent is none; the field is named.
    """
    author = manner.author
    project_id = _owner(draft, "project_id", author.project_id)
    if not author.is_admin and project_id != author.project_id:
        raise _invalid(draft, "project_id", project_id, "can not post samples to other projects")
    meter = _mandatory(draft, "meter")
    if manner.meter not in (None, meter):
        raise _invalid(draft, "meter", meter, f"should be {manner.meter}")
    return Track(
        source=_source(draft, project_id, manner),
        meter=meter,
        type=_type(draft),
        unit=_mandatory(draft, "unit", empty=True),
        resource_id=_mandatory(draft, "resource_id"),
        project_id=project_id,
        user_id=_owner(draft, "user_id", author.user_id),
    )


def completed(draft: Draft, author: Author) -> frozenset[str]:
    """The fields that the server fills in, because they were not sent."""
    if draft.timestamp and draft.project_id and draft.user_id and draft.metadata is not None:
        return _NONE
    sent = {name: getattr(draft, name) for name in ("timestamp", "user_id", "metadata")}
    if author.is_admin:
        # To others it is always the same, and so a part of what is told apart: a sample that an
        # administrator put under their source for another project is no duplicate to be shown.
        sent["project_id"] = draft.project_id
    return frozenset(name for name, value in sent.items() if value in (None, ""))


def _source(draft: Draft, project_id: str | None, manner: Manner) -> str:
    source = _text(draft, "source", draft.source) if draft.source else DEFAULT_SOURCE
    if manner.author.is_admin and not manner.prefix_source:
        return source
    # A colon in the project would let project "a" and source "b:c" meet "a:b" and "c".
    owner = str(project_id).replace("%", "%25").replace(":", "%3A")
    return f"{owner}:{source}"


def sample_id(draft: Draft, index: int, manner: Manner) -> str:
    """The id that was sent, or one that follows from the request's key and the place in it, or any.

    Raises:
        InvalidSample: what was sent is none; the field is named.
    """
    if draft.id is not None:
        if not draft.id:
            raise _invalid(draft, "id", draft.id, "must not be empty")
        return _text(draft, "id", draft.id)
    if manner.idempotency_key is None:
        return str(uuid.uuid4())
    parts = (str(manner.author.project_id), manner.idempotency_key, str(index))
    return str(uuid.UUID(bytes=hashlib.sha256("\0".join(parts).encode()).digest()[:16]))


def _owner(draft: Draft, field: str, default: str | None) -> str | None:
    value: str | None = getattr(draft, field)
    return _text(draft, field, value) if value else default


def _mandatory(draft: Draft, field: str, *, empty: bool = False) -> str:
    value: str | None = getattr(draft, field)
    if value is None or not (value or empty):
        raise _invalid(draft, field, value, "Mandatory field missing.")
    return _text(draft, field, value)


def _text(draft: Draft, field: str, value: str) -> str:
    if len(value) > MAX_TEXT_LENGTH:
        raise _invalid(draft, field, value, f"longer than {MAX_TEXT_LENGTH} characters")
    if not value.isprintable() and _CONTROL.search(value):  # the first is quicker
        raise _invalid(draft, field, value, "control characters are not allowed")
    return value


def _type(draft: Draft) -> MeterType:
    try:
        return MeterType(_mandatory(draft, "type"))
    except ValueError:
        reason = f"The counter type must be: {', '.join(MeterType)}"
        raise _invalid(draft, "type", draft.type, reason) from None


def volume_of(draft: Draft) -> Decimal:
    """The volume, exact.

    Raises:
        InvalidSample: what was sent is none; the field is named.
    """
    if draft.volume is None:
        raise _invalid(draft, "volume", None, "Mandatory field missing.")
    return read_volume(draft.volume, draft.name("volume"))


def timestamp_of(draft: Draft, now: datetime) -> datetime:
    """When it was measured (UTC, whole milliseconds): now, if that was not sent.

    Raises:
        InvalidSample: what was sent is none; the field is named.
    """
    if draft.timestamp is None:
        return now
    timestamp = _instant(draft, "timestamp", draft.timestamp)
    if timestamp < times.EPOCH:
        raise _invalid(draft, "timestamp", draft.timestamp, "before 1970")
    if timestamp > now + MAX_AHEAD:
        raise _invalid(draft, "timestamp", draft.timestamp, "more than a day in the future")
    return timestamp


def recorded_at_of(draft: Draft, now: datetime) -> datetime:
    """When it was recorded first; a clock that was ahead there does not count."""
    if draft.recorded_at is None:
        return now
    return min(now, _instant(draft, "recorded_at", draft.recorded_at))


def _instant(draft: Draft, field: str, text: str) -> datetime:
    name = draft.name(field)
    try:
        return times.read_sent(text, name)
    except InvalidRequest as error:
        raise InvalidSample(error.message, field=name) from None


def _invalid(draft: Draft, field: str, value: object, reason: str) -> InvalidSample:
    return InvalidSample(sentence(draft, field, value, reason), field=draft.name(field))


def sentence(draft: Draft, field: str, value: object, reason: str) -> str:
    """What is wrong with a field, in v2's words, which name it as the client did."""
    shown = str(value).encode("ascii", "backslashreplace").decode()[:100]
    return f"Invalid input for field/attribute {draft.name(field)}. Value: '{shown}'. {reason}"
