"""Objects as MongoDB documents and back: pure, exact, one line per field.

What is written of a sample is in `packing`.

Metadata is one text on purpose: no foreign key or value can mean anything to the database.
Binary digests are the keys of tracks, descriptions, rollups and samples; the *handle* of each is
its digest.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, cast

from bson import decode_iter
from bson.codec_options import CodecOptions

from metering.decimals import canonical
from metering.metadata import Metadata
from metering.model import MeterType, Rollup, Track
from metering.retention import Horizons
from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.mongodb.names import DESCRIPTION, ID, RANK, RECORDED_AT, TRACK, VOLUME
from metering.storage.mongodb.ranks import instant_of
from metering.storage.stored_sample import StoredSample
from metering.summary import Reading
from metering.times import FIRST, from_milliseconds

Document = dict[str, Any]

CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
# The decoder takes longer to give an instant its zone than for all the rest of a small document.
NAIVE: CodecOptions[Document] = CodecOptions()

# The `_id` of instants in `horizons`: before which samples have expired, of all meters or of one;
# before which they may be sealed at any moment, and before which they are.
_EXPIRED, _EXPIRED_OF = "expired", "expired:"
SEALING, SEALED = "sealing", "sealed"

# IEEE 754-2008 decimal128 in its binary encoding: sign, 14 bits of exponent, 113 of coefficient.
COEFFICIENT_BITS = 113
_EXPONENT = (1 << 14) - 1
EXPONENT_BIAS = 6176
# Its two halves, and what there is of each in the upper one. Most volumes are whole and short.
_HALVES = struct.Struct("<QQ")
_BITS_OF_LOWER = 64
_BITS_IN_UPPER = COEFFICIENT_BITS - _BITS_OF_LOWER
_UPPER_COEFFICIENT = (1 << _BITS_IN_UPPER) - 1
_UPPER_OF_SHORT_WHOLE = EXPONENT_BIAS << _BITS_IN_UPPER
_WIDE = Context(prec=40)

# {track: 16 bytes, rank: int64, volume: Decimal128} as BSON; 'x' skips names and types.
_READING = struct.Struct("<12x16s3xq3xQQx")
_READING_NAMES = re.compile(
    rb"\x3b\0\0\0\x05%b\0\x10\0\0\0\0.{16}\x12%b\0.{8}\x13%b\0.{16}\0"
    % tuple(map(str.encode, (TRACK, RANK, VOLUME))),
    re.DOTALL,
)

# A document of `samples` whose id is a UUID, in the order of `packing.sample_to_document`.
_SAMPLE = struct.Struct("<14x16s8x16s8x16s8x16s3xq3xQQ3xqx")
_SAMPLES = re.compile(
    rb"(?:\x90\0\0\0\x05_id\0\x10\0\0\0\0.{16}\x05%b\0\x10\0\0\0\0.{16}\x05%b\0\x10\0\0\0\0.{16}"
    rb"\x05%b\0\x10\0\0\0\x04.{16}\x12%b\0.{8}\x13%b\0.{16}\x09%b\0.{8}\0)*+"
    % tuple(map(str.encode, (TRACK, DESCRIPTION, ID, RANK, VOLUME, RECORDED_AT))),
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Watermarks:
    """The instants of `horizons`: none ever moves back but `sealed_before`, which is only a hint.

    `run` counts how often sealing was begun, or all was unsealed.
    """

    horizons: Horizons
    sealing_before: datetime
    sealed_before: datetime | None
    run: int


def track_to_document(track: Track) -> Document:
    """The document of `tracks`; absent fields are null, so that null finds them."""
    return {
        "_id": track.digest,
        "source": track.source,
        "meter": track.meter,
        "type": track.type.value,
        "unit": track.unit,
        "resource_id": track.resource_id,
        "project_id": track.project_id,
        "user_id": track.user_id,
        "rollup": track.rollup.digest,
    }


def track_from_document(document: Mapping[str, Any]) -> Track:
    """The track of a document."""
    return Track(
        source=document["source"],
        meter=document["meter"],
        type=MeterType(document["type"]),
        unit=document["unit"],
        resource_id=document["resource_id"],
        project_id=document["project_id"],
        user_id=document["user_id"],
    )


def description_to_document(metadata: Metadata) -> Document:
    """The document of `descriptions`."""
    return {"_id": metadata.digest, "metadata": metadata.text}


def description_from_document(document: Mapping[str, Any]) -> Metadata:
    """The description of a document."""
    return Metadata(document["metadata"])


def rollup_to_document(rollup: Rollup) -> Document:
    """The document of `rollups`; an absent project is null."""
    return {
        "_id": rollup.digest,
        "meter": rollup.meter,
        "type": rollup.type.value,
        "unit": rollup.unit,
        "project_id": rollup.project_id,
    }


def rollup_from_document(document: Mapping[str, Any]) -> Rollup:
    """The rollup of a document."""
    return Rollup(
        document["meter"], MeterType(document["type"]), document["unit"], document["project_id"]
    )


class Found(NamedTuple):
    """A sample as it is found: its rank and its key, which order all samples, and the row."""

    position: tuple[int, bytes]
    row: StoredSample


def found_in_batch(batch: bytes) -> Iterator[Found]:
    """Each document of samples in a raw batch.

    If all ids are UUIDs, as most are, all documents have one length and layout; then they are cut
    without a decoder, in half the time.
    """
    if _SAMPLES.fullmatch(batch):
        for key, track, described, uuid, rank, lower, upper, recorded in _SAMPLE.iter_unpack(batch):
            row = StoredSample(
                track,
                described,
                id_from_bson(uuid),
                instant_of(rank),
                _volume_of_halves(lower, upper),
                from_milliseconds(recorded),
            )
            yield Found((rank, key), row)
    else:
        for document in decode_iter(batch, CODEC):
            position = document[RANK], document["_id"]
            yield Found(position, row_from_document(document))


def row_from_document(document: Mapping[str, Any]) -> StoredSample:
    """The sample of a document."""
    return StoredSample(
        track=document[TRACK],
        description=document[DESCRIPTION],
        id=id_from_bson(document[ID]),
        timestamp=instant_of(document[RANK]),
        volume=volume_from_bson(document[VOLUME].bid),
        recorded_at=document[RECORDED_AT],
    )


def readings_from_batch(batch: bytes) -> Iterator[tuple[bytes, Reading]]:
    """(handle, reading) for each document {track, rank, volume} of a raw batch.

    Such documents all have the same length and layout when the fields come in this order, as a
    covered query gives them; then they are cut without a decoder, twice as fast.
    """
    if len(batch) % _READING.size == 0 and _READING_NAMES.match(batch):
        for handle, rank, lower, upper in _READING.iter_unpack(batch):
            yield handle, Reading(instant_of(rank), _volume_of_halves(lower, upper))
    else:
        for document in decode_iter(batch, CODEC):
            volume = volume_from_bson(document[VOLUME].bid)
            yield document[TRACK], Reading(instant_of(document[RANK]), volume)


def aware(naive: datetime) -> datetime:
    """The instant that was decoded without its zone."""
    return naive.replace(tzinfo=UTC)


def horizons_to_documents(horizons: Horizons) -> list[Document]:
    """A document for each horizon."""
    horizon_of = {_EXPIRED: horizons.default}
    horizon_of |= {_EXPIRED_OF + meter: before for meter, before in horizons.meters.items()}
    return [{"_id": name, "before": before} for name, before in horizon_of.items()]


def watermarks_from_documents(documents: Iterable[Document]) -> Watermarks:
    """What the documents say, which may be none."""
    found = {document["_id"]: document for document in documents}
    before = {name: document["before"] for name, document in found.items() if "before" in document}
    meters = {
        name.removeprefix(_EXPIRED_OF): at
        for name, at in before.items()
        if name.startswith(_EXPIRED_OF)
    }
    run = found[SEALED]["run"] if SEALED in found else 0
    horizons = Horizons(before.get(_EXPIRED, FIRST), meters)
    return Watermarks(horizons, before.get(SEALING, FIRST), before.get(SEALED), run)


def block_to_document(kept: StoredBlock) -> Document:
    """The document of a block, without what is empty."""
    document = {"of": kept.handle, "month": kept.month, "is_block": True, "days": kept.days}
    more = {"described": kept.described, "struck": list(kept.struck)}
    return document | {name: value for name, value in more.items() if value}


def blocks_from_documents(documents: Iterable[Mapping[str, Any]]) -> Iterator[StoredBlock]:
    """The blocks of documents, which come in the order of `indexes.BLOCKS`.

    Of each what is struck in documents of its own.
    """
    for (handle, month), group in groupby(documents, key=itemgetter("of", "month")):
        together = list(group)
        struck = {day for one in together for day in one.get("struck", ())}
        block = together[-1]
        yield StoredBlock(handle, month, block.get("days"), block.get("described"), sorted(struck))


def block_key(handle: bytes, month: int) -> bytes:
    """The `_id` of a block."""
    return handle + month.to_bytes(4, "big")


def hours_key(of: DayOf) -> bytes:
    """The `_id` of the hours of a day, which may be before 1970."""
    return cast("bytes", of.handle) + of.day.to_bytes(4, "big", signed=True)


def day_of_hours(key: bytes) -> DayOf:
    """The day whose hours have that `_id`."""
    return DayOf(key[:-4], int.from_bytes(key[-4:], "big", signed=True))


def strike_key(handle: bytes, month: int, run: int, number: int) -> bytes:
    """The `_id` of one of the documents that have what is struck of a block."""
    return block_key(handle, month) + run.to_bytes(4, "big") + number.to_bytes(1, "big")


def id_from_bson(value: str | bytes) -> str:
    """The text of an id; that of a UUID from its 16 bytes."""
    if isinstance(value, str):
        return value
    digits = value.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def volume_from_bson(bid: bytes) -> Decimal:
    """The number of 16 bytes of decimal128, in canonical form."""
    return _volume_of_halves(*_HALVES.unpack(bid))


def _volume_of_halves(lower: int, upper: int) -> Decimal:
    if upper == _UPPER_OF_SHORT_WHOLE:
        return Decimal(lower)
    coefficient = (upper & _UPPER_COEFFICIENT) << _BITS_OF_LOWER | lower
    exponent = (upper >> _BITS_IN_UPPER & _EXPONENT) - EXPONENT_BIAS
    number = _WIDE.scaleb(Decimal(-coefficient if upper >> 63 else coefficient), exponent)
    is_plain = exponent == 0 or (exponent < 0 and coefficient % 10)
    return number if is_plain else canonical(number)
