"""Documents keep every value exactly."""

from datetime import datetime
from decimal import Decimal

import pytest
from bson import Decimal128, decode, encode
from bson.raw_bson import RawBSONDocument
from builders import NOON, after_noon, sample, series
from hypothesis import given
from msgspec import structs
from strategies import metadata, tracks

from metering.decimals import canonical
from metering.metadata import Metadata
from metering.model import Track
from metering.storage.blocks import DayOf, StoredBlock
from metering.storage.mongodb import mapping, packing
from metering.storage.mongodb.names import RANK, TRACK, VOLUME
from metering.storage.mongodb.ranks import rank_of
from metering.storage.spans import day_of
from metering.summary import Reading
from metering.times import FIRST, LAST


@given(tracks)
def test_a_track_comes_back_as_it_was(kept: Track) -> None:
    """A track survives BSON, under its digest."""
    document = decode(encode(mapping.track_to_document(kept)), mapping.CODEC)

    assert kept == mapping.track_from_document(document)
    assert [kept.digest, kept.rollup.digest] == [document["_id"], document["rollup"]]


@given(metadata)
def test_a_description_comes_back_as_it_was(kept: Metadata) -> None:
    """A description survives BSON, under its digest."""
    document = decode(encode(mapping.description_to_document(kept)), mapping.CODEC)

    assert kept == mapping.description_from_document(document)
    assert kept.digest == document["_id"]


def test_absent_fields_are_stored_as_null() -> None:
    """What is absent is in the document, so that a filter for null finds it."""
    document = mapping.track_to_document(series(project_id=None, user_id=None).track)

    assert (None, None) == (document["project_id"], document["user_id"])


@given(metadata)
def test_metadata_is_one_text(tree: Metadata) -> None:
    """MongoDB sees no key and no value of metadata."""
    document = mapping.description_to_document(tree)

    assert document == {"_id": tree.digest, "metadata": tree.text}


@pytest.mark.parametrize("text", ["1.00", "1E+5", "-0", "0E-7", "100", "-1.50", "0E+3", "-100"])
def test_volumes_of_others_become_canonical(text: str) -> None:
    """Numbers in another form than ours are read by value."""
    expected = canonical(Decimal(text))

    assert expected.as_tuple() == mapping.volume_from_bson(Decimal128(text).bid).as_tuple()


@pytest.mark.parametrize("fields", [(TRACK, RANK, VOLUME), (VOLUME, RANK, TRACK)])
def test_readings_are_cut_from_a_batch(fields: tuple[str, ...]) -> None:
    """The order of the fields of a document only matters for speed."""
    kept = sample(volume="0.5")
    whole = packing.sample_to_document(kept.key, kept)
    batch = 3 * encode({field: whole[field] for field in fields})

    expected = (kept.series.track.digest, Reading(NOON, Decimal("0.5")))
    assert [expected] * 3 == list(mapping.readings_from_batch(batch))


def test_an_empty_batch_has_nothing() -> None:
    """A cursor may end with an empty batch."""
    assert [] == list(mapping.readings_from_batch(b""))
    assert [] == list(mapping.found_in_batch(b""))


UUID = "01234567-89ab-cdef-0123-456789abcdef"


@pytest.mark.parametrize(
    "ids",
    [
        [UUID],
        [UUID] * 3,
        [UUID, "s-1", UUID],
        # As long in a document as a UUID; and one as much shorter as the other is longer.
        ["0123456789abcdef", UUID],
        ["0123456789abcde", "0123456789abcdefg", UUID],
    ],
)
def test_samples_are_cut_from_a_batch(ids: list[str]) -> None:
    """Whatever their ids, they are what the decoder finds."""
    kept = [
        sample(id=one, volume=f"-{number}.5", timestamp=after_noon(-number / 1000))
        for number, one in enumerate(ids)
    ]
    documents = [packing.sample_to_document(one.key, one) for one in kept]
    found = list(mapping.found_in_batch(b"".join(map(encode, documents))))

    assert [(rank_of(one.timestamp, one.key), one.key) for one in kept] == [
        one.position for one in found
    ]
    assert [mapping.row_from_document(one) for one in map(decoded, documents)] == [
        one.row for one in found
    ]
    assert ids == [one.row.id for one in found]


def test_usual_samples_need_no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those whose ids are UUIDs have 144 bytes each, and are cut where their fields lie."""
    kept = [sample(id=UUID, volume=number, metadata={"a": number}) for number in range(3)]
    documents = [packing.sample_to_document(one.key, one).raw for one in kept]
    monkeypatch.setattr(mapping, "decode_iter", None)
    found = list(mapping.found_in_batch(b"".join(documents)))

    assert [144] * 3 == [len(one) for one in documents]
    assert kept == [one.row.sample(of.series) for one, of in zip(found, kept, strict=True)]
    assert [(of.series.track.digest, of.series.metadata.digest) for of in kept] == [
        (one.row.track, one.row.description) for one in found
    ]


def test_readings_need_no_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a covered query gives their fields, they are cut where these lie."""
    kept = sample(volume="0.5")
    whole = packing.sample_to_document(kept.key, kept)
    batch = 3 * encode({field: whole[field] for field in (TRACK, RANK, VOLUME)})
    monkeypatch.setattr(mapping, "decode_iter", None)

    assert 3 == len(list(mapping.readings_from_batch(batch)))


@pytest.mark.parametrize("described", [None, b"described"])
def test_a_block_comes_back_as_it_was(described: bytes | None) -> None:
    """With what is struck of it in documents of its own, which come before it."""
    kept = StoredBlock(bytes(16), 24_185, b"days", described, [3, 4])
    strike = {"of": bytes(16), "month": 24_185, "is_block": False, "struck": [4, 5]}
    documents = [strike, mapping.block_to_document(kept)]
    (found,) = mapping.blocks_from_documents(
        decode(encode(one), mapping.CODEC) for one in documents
    )

    assert structs.replace(kept, struck=[3, 4, 5]) == found


@pytest.mark.parametrize("at", [FIRST, NOON, LAST])
def test_the_key_of_hours_tells_their_day(at: datetime) -> None:
    """Days before 1970 too."""
    of = DayOf(bytes(range(16)), day_of(at))

    assert of == mapping.day_of_hours(mapping.hours_key(of))


def test_fields_in_another_order_are_found_too() -> None:
    """The layout only matters for speed."""
    kept = sample(id=UUID)
    document = packing.sample_to_document(kept.key, kept)
    turned = dict(reversed(document.items()))

    assert list(mapping.found_in_batch(encode(document))) == list(
        mapping.found_in_batch(encode(turned))
    )


def decoded(document: RawBSONDocument) -> mapping.Document:
    """The document as MongoDB gives it back."""
    return decode(document.raw, mapping.CODEC)
