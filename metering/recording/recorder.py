"""The write path: what a client sent is completed, checked, handed to the store, and judged."""

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from sys import getsizeof
from typing import TypeVar

import msgspec

from metering import times
from metering.errors import Conflict, Expired, InvalidSample
from metering.metadata import NO_METADATA
from metering.model import Outcome, Sample, Series, Submission, Track, Verdict
from metering.recording.checking import (
    completed,
    recorded_at_of,
    sample_id,
    sentence,
    timestamp_of,
    track_of,
    volume_of,
)
from metering.recording.drafts import Draft, Manner
from metering.remembered import Remembered
from metering.storage.base import Storage

# Twenty meters each of 10,000 resources, and at most twice that.
_BYTES_OF_TRACKS = 130_000_000
_BYTES_BESIDE_TEXTS = 250
_BYTES_OF_TEXTS = 8_000_000

T = TypeVar("T")


class Recorder:
    """Records what clients send into a store."""

    def __init__(self, storage: Storage, clock: Callable[[], datetime] = times.now) -> None:
        """Record into the storage; the clock completes and judges timestamps."""
        self._storage = storage
        self._clock = clock
        self._known: Remembered[Hashable, Track] = Remembered(_BYTES_OF_TRACKS, _weigh)
        self._texts: Remembered[str, str] = Remembered(
            _BYTES_OF_TEXTS, lambda _, text: getsizeof(text)
        )

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
                    series=Series(
                        self._track_of(draft, manner, circumstances), draft.metadata or NO_METADATA
                    ),
                    id=sample_id(draft, index, manner),
                    timestamp=timestamp_of(draft, now),
                    volume=volume_of(draft),
                    recorded_at=recorded_at_of(draft, now) if manner.keeps_recorded_at else now,
                )
                judged.append(Submission(sample, completed(draft, manner.author)))
            except InvalidSample as error:
                judged.append(error)
        return judged

    def _track_of(self, draft: Draft, manner: Manner, circumstances: Hashable) -> Track:
        """The track, made anew only if nothing that it depends on was met lately.

        Resources send the same with every sample but metadata, and most of what there is to
        check, and to digest, is the track's.
        """
        track = self._known.get(_sent(draft, circumstances))
        if track is None:
            draft = self._sharing_texts(draft)
            track = track_of(draft, manner)
            self._known.add(_sent(draft, circumstances), track)
        return track

    def _sharing_texts(self, draft: Draft) -> Draft:
        """The draft with texts that are not kept twice, whatever many tracks have in common."""
        common = {
            "meter": draft.meter,
            "type": draft.type,
            "unit": draft.unit,
            "project_id": draft.project_id,
            "user_id": draft.user_id,
            "source": draft.source,
        }
        shared = {name: self._shared(text) for name, text in common.items() if text is not None}
        return msgspec.structs.replace(draft, **shared)

    def _shared(self, text: str) -> str:
        known = self._texts.get(text)
        if known is None:
            self._texts.add(text, text)
        return known or text


def _circumstances(manner: Manner) -> Hashable:
    """All that a track depends on beside what was sent with the sample."""
    author = manner.author
    return (
        *(manner.meter, manner.prefix_source),
        *(author.project_id, author.user_id, author.is_admin),
    )


def _sent(draft: Draft, circumstances: Hashable) -> Hashable:
    """All of a draft that its track depends on."""
    return (
        draft.meter,
        draft.type,
        draft.unit,
        draft.resource_id,
        draft.project_id,
        draft.user_id,
        draft.source,
        circumstances,
    )


def _weigh(_: Hashable, track: Track) -> int:
    texts = (track.meter, track.unit, track.resource_id, track.source)
    owner = (track.project_id, track.user_id)
    return _BYTES_BESIDE_TEXTS + sum(map(getsizeof, texts + owner))


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
        return Expired(sentence(draft, "id", draft.id, reason), field=draft.name("id"))
    reason = "before the retention horizon"
    message = sentence(draft, "timestamp", draft.timestamp, reason)
    return Expired(message, field=draft.name("timestamp"))


def _listing(faults: Sequence[tuple[int, str | None, str]], of: int) -> str:
    """Every fault; with its place in the body, where the body had more than one sample."""
    if of == 1:
        return faults[0][2]
    return "; ".join(f"{message} (sample {index})" for index, _, message in faults)
