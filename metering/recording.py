"""The write path: what a client sent is completed, checked, handed to the store, and judged.

Identity decides what may be written: a caller who is no administrator writes for the own project
only, and under a source that begins with it, so no tenant can take another's key.
"""

import hashlib
import re
import uuid
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from sys import intern
from types import MappingProxyType
from typing import Protocol, TypeVar

import msgspec

from metering import times
from metering.decimals import read_volume
from metering.errors import Conflict, Expired, InvalidRequest, InvalidSample
from metering.metadata import NOTHING, Metadata
from metering.model import MeterType, Outcome, Sample, Series, Submission, Verdict
from metering.sent_series import SentSeries
from metering.storage.base import Storage

DEFAULT_SOURCE = "openstack"
MAX_TEXT_LENGTH = 255
MAX_AHEAD = timedelta(days=1)

# Room for 200,000 series: twenty meters each of 10,000 resources.
_BYTES_OF_KNOWN_SERIES = 128 * 1024 * 1024

T = TypeVar("T")

_NONE: frozenset[str] = frozenset()
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A sample as a client sent it, unchecked; None where it was not sent.

    A struct, since a frozen dataclass takes several times as long to make, and every sample needs
    one. `names` says how the client calls a field, where it is not as here.
    """

    meter: str | None
    type: str | None
    unit: str | None
    volume: Decimal | int | str | None
    resource_id: str | None
    project_id: str | None = None
    user_id: str | None = None
    source: str | None = None
    id: str | None = None
    timestamp: str | None = None
    recorded_at: str | None = None
    metadata: Metadata | None = None
    names: Mapping[str, str] = MappingProxyType({})

    def name(self, field_name: str) -> str:
        """The client's name of the field."""
        return self.names.get(field_name, field_name)


class Author(Protocol):
    """Who writes."""

    @property
    def project_id(self) -> str | None:
        """The project of the caller."""

    @property
    def user_id(self) -> str | None:
        """The user who calls."""

    @property
    def is_admin(self) -> bool:
        """Whether the caller may write for any project and source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a request writes.

    `meter` is the only meter that may be written, if one was named. `prefix_source` puts the
    project before the source, for administrators too, as v2 did on a meter's path.
    `idempotency_key` makes the ids that were not sent, the same for each retry.
    `keeps_recorded_at` is for samples that were recorded elsewhere before.
    """

    author: Author
    meter: str | None = None
    prefix_source: bool = False
    idempotency_key: str | None = None
    keeps_recorded_at: bool = False


class Recorder:
    """Records what clients send into a store."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime] = times.now) -> None:
        """Record into the storage; the clock completes and judges timestamps."""
        self._storage = storage
        self._clock = clock
        self._known = SentSeries(_BYTES_OF_KNOWN_SERIES)

    def record_all(self, drafts: Sequence[Draft | InvalidSample], manner: Manner) -> list[Verdict]:
        """Record all or nothing, and say in order what became of each; none is a conflict.

        Raises:
            InvalidSample: some are invalid; every one is named.
            Conflict: some have a key that holds another sample; every one is named.
            StorageUnavailable: unknown whether stored; the same again is safe.
        """
        submissions = _all_valid(self._judge(drafts, manner))
        verdicts = _all_valid(_refused(self._storage.record(submissions, atomic=True), drafts))
        conflicts = [
            (i, None, f"id {verdict.kept.id} already holds another sample")
            for i, verdict in enumerate(verdicts)
            if verdict.outcome is Outcome.CONFLICT
        ]
        if conflicts:
            raise Conflict(_listing(conflicts, len(drafts)))
        return verdicts

    def record_each(
        self, drafts: Sequence[Draft | InvalidSample], manner: Manner
    ) -> list[Verdict | InvalidSample]:
        """Record what can be, and say of each, in order, what became of it.

        Raises:
            StorageUnavailable: unknown what is stored; the same again is safe.
        """
        judged = self._judge(drafts, manner)
        submissions = [one for one in judged if isinstance(one, Submission)]
        recorded = iter(self._storage.record(submissions, atomic=False) if submissions else [])
        verdicts = [one if isinstance(one, InvalidSample) else next(recorded) for one in judged]
        return _refused(verdicts, drafts)

    def _judge(
        self, drafts: Sequence[Draft | InvalidSample], manner: Manner
    ) -> list[Submission | InvalidSample]:
        now = self._clock()
        circumstances = _circumstances(manner)
        judged: list[Submission | InvalidSample] = []
        for index, draft in enumerate(drafts):
            if isinstance(draft, InvalidSample):
                judged.append(draft)
                continue
            try:
                sample = Sample(
                    series=self._series_of(draft, manner, circumstances),
                    id=_id(draft, index, manner),
                    timestamp=_timestamp(draft, now),
                    volume=_volume(draft),
                    recorded_at=_recorded_at(draft, now) if manner.keeps_recorded_at else now,
                )
                judged.append(Submission(sample, _completed(draft, manner.author)))
            except InvalidSample as error:
                judged.append(error)
        return judged

    def _series_of(self, draft: Draft, manner: Manner, circumstances: Hashable) -> Series:
        """The series, made anew only if nothing that it depends on was met lately.

        Resources send the same with every sample, and most of what there is to check, and all of
        the digest, is the series'.
        """
        sent = _sent(draft, circumstances)
        series = self._known.get(draft.metadata, sent)
        if series is None:
            draft = _sharing_texts(draft)
            series = _series(draft, manner)
            self._known.add(draft.metadata, _sent(draft, circumstances), series)
        return series


def _circumstances(manner: Manner) -> Hashable:
    """All that a series depends on beside what was sent with the sample."""
    author = manner.author
    return (
        *(manner.meter, manner.prefix_source),
        *(author.project_id, author.user_id, author.is_admin),
    )


def _sent(draft: Draft, circumstances: Hashable) -> Hashable:
    """All that a series depends on, but the metadata."""
    return (
        *(draft.meter, draft.type, draft.unit, draft.resource_id),
        *(draft.project_id, draft.user_id, draft.source, circumstances),
    )


def _sharing_texts(draft: Draft) -> Draft:
    """The draft with texts that are not kept twice, whatever many series have in common."""
    common = {
        "meter": draft.meter,
        "type": draft.type,
        "unit": draft.unit,
        "project_id": draft.project_id,
        "user_id": draft.user_id,
        "source": draft.source,
    }
    shared = {name: intern(text) for name, text in common.items() if text is not None}
    return msgspec.structs.replace(draft, **shared)


def _all_valid(judged: Sequence[T | InvalidSample]) -> list[T]:
    """What was judged, if all of it is valid; else an error that names each that is not."""
    invalid = [
        (i, one.field, one.message)
        for i, one in enumerate(judged)
        if isinstance(one, InvalidSample)
    ]
    if invalid:
        raise InvalidSample(_listing(invalid, len(judged)), field=invalid[0][1])
    return [one for one in judged if not isinstance(one, InvalidSample)]


def _refused(
    verdicts: Sequence[Verdict | InvalidSample], drafts: Sequence[Draft | InvalidSample]
) -> list[Verdict | InvalidSample]:
    """The verdicts, what has expired as an error."""
    return [
        _expired(draft)
        if isinstance(draft, Draft)
        and isinstance(verdict, Verdict)
        and verdict.outcome is Outcome.EXPIRED
        else verdict
        for verdict, draft in zip(verdicts, drafts, strict=True)
    ]


def _expired(draft: Draft) -> Expired:
    if draft.timestamp is None:
        reason = "a sample with this id or Idempotency-Key has expired"
        return Expired(_sentence(draft, "id", draft.id, reason), field=draft.name("id"))
    reason = "before the retention horizon"
    message = _sentence(draft, "timestamp", draft.timestamp, reason)
    return Expired(message, field=draft.name("timestamp"))


def _series(draft: Draft, manner: Manner) -> Series:
    author = manner.author
    project_id = _owner(draft, "project_id", author.project_id)
    if not author.is_admin and project_id != author.project_id:
        raise _invalid(draft, "project_id", project_id, "can not post samples to other projects")
    meter = _mandatory(draft, "meter")
    if manner.meter not in (None, meter):
        raise _invalid(draft, "meter", meter, f"should be {manner.meter}")
    return Series(
        source=_source(draft, project_id, manner),
        meter=meter,
        type=_type(draft),
        unit=_mandatory(draft, "unit", empty=True),
        resource_id=_mandatory(draft, "resource_id"),
        project_id=project_id,
        user_id=_owner(draft, "user_id", author.user_id),
        metadata=NOTHING if draft.metadata is None else draft.metadata,
    )


def _completed(draft: Draft, author: Author) -> frozenset[str]:
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


def _id(draft: Draft, index: int, manner: Manner) -> str:
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
    if _CONTROL.search(value):
        raise _invalid(draft, field, value, "control characters are not allowed")
    return value


def _type(draft: Draft) -> MeterType:
    try:
        return MeterType(_mandatory(draft, "type"))
    except ValueError:
        reason = f"The counter type must be: {', '.join(MeterType)}"
        raise _invalid(draft, "type", draft.type, reason) from None


def _volume(draft: Draft) -> Decimal:
    if draft.volume is None:
        raise _invalid(draft, "volume", None, "Mandatory field missing.")
    return read_volume(draft.volume, draft.name("volume"))


def _timestamp(draft: Draft, now: datetime) -> datetime:
    if draft.timestamp is None:
        return now
    timestamp = _instant(draft, "timestamp", draft.timestamp)
    if timestamp < times.EPOCH:
        raise _invalid(draft, "timestamp", draft.timestamp, "before 1970")
    if timestamp > now + MAX_AHEAD:
        raise _invalid(draft, "timestamp", draft.timestamp, "more than a day in the future")
    return timestamp


def _recorded_at(draft: Draft, now: datetime) -> datetime:
    """When it was recorded first; a clock that was ahead there does not count."""
    if draft.recorded_at is None:
        return now
    return min(now, _instant(draft, "recorded_at", draft.recorded_at))


def _instant(draft: Draft, field: str, text: str) -> datetime:
    name = draft.name(field)
    try:
        return times.read(text, name)
    except InvalidRequest as error:
        raise InvalidSample(error.message, field=name) from None


def _invalid(draft: Draft, field: str, value: object, reason: str) -> InvalidSample:
    return InvalidSample(_sentence(draft, field, value, reason), field=draft.name(field))


def _sentence(draft: Draft, field: str, value: object, reason: str) -> str:
    shown = str(value).encode("ascii", "backslashreplace").decode()[:100]
    return f"Invalid input for field/attribute {draft.name(field)}. Value: '{shown}'. {reason}"


def _listing(faults: Sequence[tuple[int, str | None, str]], of: int) -> str:
    """Every fault; with its place in the body, where the body had more than one sample."""
    if of == 1:
        return faults[0][2]
    return "; ".join(f"{message} (sample {index})" for index, _, message in faults)
