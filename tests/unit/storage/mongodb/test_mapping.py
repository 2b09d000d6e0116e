"""Documents keep every value exactly."""

import uuid
from decimal import Decimal

import pytest
from bson import Decimal128, decode, encode
from builders import MILLISECOND, NOON, after_noon, sample, series
from hypothesis import given
from strategies import metadata, volumes

from metering.decimals import canonical
from metering.metadata import Metadata
from metering.model import sample_key
from metering.storage.mongodb import mapping
from metering.summary import Reading
from metering.times import LAST


def test_a_series_comes_back_as_it_was() -> None:
    """A series survives BSON."""
    kept = series(project_id=None, metadata={"$a.b": {"": [1, None, "ü"]}})

    document = decode(encode(mapping.series_to_document(kept)), mapping.CODEC)

    assert kept == mapping.series_from_document(document)


def test_absent_fields_are_stored_as_null() -> None:
    """What is absent is in the document, so that a filter for null finds it."""
    document = mapping.series_to_document(series(project_id=None, user_id=None))

    assert (None, None) == (document["project_id"], document["user_id"])


@given(metadata)
def test_metadata_is_one_text(tree: Metadata) -> None:
    """MongoDB sees no key and no value of metadata."""
    assert tree.text == mapping.series_to_document(series(metadata=tree))["metadata"]


@pytest.mark.parametrize("timestamp", [NOON, NOON + MILLISECOND, LAST, NOON.replace(year=1)])
def test_a_sample_comes_back_as_it_was(timestamp: object) -> None:
    """A sample survives BSON, its series as a handle."""
    kept = sample(timestamp=timestamp, volume="0.1")

    document = decode(encode(mapping.sample_to_document(kept.key, kept)), mapping.CODEC)

    assert kept.series.digest == document["series"]
    assert kept == mapping.row_from_document(document).sample(kept.series)


@given(volumes)
def test_volumes_are_exact_and_canonical(volume: Decimal) -> None:
    """A volume comes back with the same digits and exponent."""
    expected = canonical(volume)

    actual = mapping.volume_from_bson(mapping.volume_to_bson(expected).bid)

    assert expected.as_tuple() == actual.as_tuple()


@given(volumes)
def test_volumes_are_what_the_library_makes_of_them(volume: Decimal) -> None:
    """Our encoding of decimal128 is that of bson."""
    assert Decimal128(volume) == mapping.volume_to_bson(volume)


@pytest.mark.parametrize("text", ["1.00", "1E+5", "-0", "0E-7", "100", "-1.50", "0E+3", "-100"])
def test_volumes_of_others_become_canonical(text: str) -> None:
    """Numbers in another form than ours are read by value."""
    expected = canonical(Decimal(text))

    assert expected.as_tuple() == mapping.volume_from_bson(Decimal128(text).bid).as_tuple()


def test_a_canonical_uuid_takes_16_bytes() -> None:
    """Lower-case UUIDs are packed."""
    text = str(uuid.uuid4())

    assert 16 == len(mapping.id_to_bson(text))


@pytest.mark.parametrize(
    "text",
    [
        "s-1",
        "",
        "a\0b",
        "0123456789abcdef0123456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdef",
        "01234567-89AB-cdef-0123-456789abcdef",
        "01234567-89ab-cdef-0123-456789abcdef\n",
        "{01234567-89ab-cdef-0123-456789abcdef}",
    ],
)
def test_ids_come_back_letter_by_letter(text: str) -> None:
    """No id is changed, whether or not it reads like a UUID."""
    document = decode(encode({"id": mapping.id_to_bson(text)}), mapping.CODEC)

    assert text == mapping.id_from_bson(document["id"])


@pytest.mark.parametrize(
    "fields", [("series", "timestamp", "volume"), ("volume", "timestamp", "series")]
)
def test_readings_are_cut_from_a_batch(fields: tuple[str, ...]) -> None:
    """The order of the fields of a document only matters for speed."""
    kept = sample(volume="0.5")
    whole = mapping.sample_to_document(kept.key, kept)
    batch = 3 * encode({field: whole[field] for field in fields})

    expected = (kept.series.digest, Reading(NOON, Decimal("0.5")))
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
    documents = [mapping.sample_to_document(one.key, one) for one in kept]
    found = list(mapping.found_in_batch(b"".join(map(encode, documents))))

    assert [(one.timestamp, one.key) for one in kept] == [one.position for one in found]
    assert [mapping.row_from_document(one) for one in map(decoded, documents)] == [
        one.row for one in found
    ]
    assert ids == [one.row.id for one in found]


def test_fields_in_another_order_are_found_too() -> None:
    """The layout only matters for speed."""
    kept = sample(id=UUID)
    document = mapping.sample_to_document(kept.key, kept)
    turned = dict(reversed(document.items()))

    assert list(mapping.found_in_batch(encode(document))) == list(
        mapping.found_in_batch(encode(turned))
    )


def decoded(document: mapping.Document) -> mapping.Document:
    """The document as MongoDB gives it back."""
    return decode(encode(document), mapping.CODEC)


def test_the_key_is_the_id_of_the_document() -> None:
    """One key, one document: this is what keeps a sample from counting twice."""
    kept = sample(id="x", source="y")

    document = mapping.sample_to_document(kept.key, kept)

    assert sample_key("y", "x") == document["_id"]
