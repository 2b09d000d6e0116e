"""Samples packed as BSON are what the library would have made of them."""

from decimal import Decimal

import pytest
from bson import Decimal128, decode, encode
from bson.binary import UUID_SUBTYPE, Binary
from builders import MILLISECOND, NOON, sample
from hypothesis import given
from hypothesis import strategies as st
from strategies import volumes

from metering.decimals import canonical
from metering.model import Sample, sample_key
from metering.storage.mongodb import mapping, names, packing
from metering.times import LAST

UUID = "01234567-89ab-4def-8123-456789abcdef"


def decoded(kept: Sample) -> mapping.Document:
    """The document of a sample as MongoDB gives it back."""
    return decode(packing.sample_to_document(kept.key, kept).raw, mapping.CODEC)


@given(st.uuids().map(str) | st.text(st.characters(exclude_categories=["Cs"])), volumes)
def test_a_document_is_what_the_library_makes_of_it(sample_id: str, volume: Decimal) -> None:
    """Byte for byte, whatever its id and its volume."""
    kept = sample(id=sample_id, volume=str(canonical(volume)))
    packed = packing.sample_to_document(kept.key, kept).raw

    document = decode(packed, mapping.CODEC)

    assert packed == encode(document)
    assert ["_id", "t", "d", "i", "r", "v", "a"] == list(document)
    assert Decimal128(canonical(volume)) == document[names.VOLUME]


@pytest.mark.parametrize("timestamp", [NOON, NOON + MILLISECOND, LAST, NOON.replace(year=1)])
def test_a_sample_comes_back_as_it_was(timestamp: object) -> None:
    """A sample survives BSON, its track and its description as handles."""
    kept = sample(timestamp=timestamp, volume="0.1", metadata={"a": 1})

    document = decoded(kept)

    assert kept.series.track.digest == document[names.TRACK]
    assert kept.series.metadata.digest == document[names.DESCRIPTION]
    assert kept == mapping.row_from_document(document).sample(kept.series)


@given(volumes)
def test_volumes_are_exact_and_canonical(volume: Decimal) -> None:
    """A volume comes back with the same digits and exponent."""
    expected = canonical(volume)

    actual = mapping.volume_from_bson(packing.volume_to_bson(expected))

    assert expected.as_tuple() == actual.as_tuple()


def test_a_canonical_uuid_takes_16_bytes() -> None:
    """Lower-case UUIDs are packed."""
    kept = Binary(bytes.fromhex(UUID.replace("-", "")), UUID_SUBTYPE)

    assert kept == decoded(sample(id=UUID))[names.ID]


@pytest.mark.parametrize(
    "text",
    [
        "s-1",
        "",
        "ü",
        "a\0b",
        "0123456789abcdef0123456789abcdef",
        UUID,
        UUID.upper(),
        f"{UUID}\n",
        f"{{{UUID}}}",
    ],
)
def test_ids_come_back_letter_by_letter(text: str) -> None:
    """No id is changed, whether or not it reads like a UUID."""
    assert text == mapping.id_from_bson(decoded(sample(id=text))[names.ID])


def test_the_key_is_the_id_of_the_document() -> None:
    """One key, one document: this is what keeps a sample from counting twice."""
    kept = sample(id="x", source="y")

    assert sample_key("y", "x") == decoded(kept)["_id"]
