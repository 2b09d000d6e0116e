"""Documents keep every value exactly."""

from decimal import Decimal

import pytest
from bson import Decimal128, decode, encode
from bson.raw_bson import RawBSONDocument
from builders import NOON, after_noon, sample, series
from hypothesis import given
from strategies import metadata

from metering.decimals import canonical
from metering.metadata import Metadata
from metering.storage.mongodb import mapping, packing
from metering.storage.mongodb.ranks import rank_of
from metering.summary import Reading


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


@pytest.mark.parametrize("text", ["1.00", "1E+5", "-0", "0E-7", "100", "-1.50", "0E+3", "-100"])
def test_volumes_of_others_become_canonical(text: str) -> None:
    """Numbers in another form than ours are read by value."""
    expected = canonical(Decimal(text))

    assert expected.as_tuple() == mapping.volume_from_bson(Decimal128(text).bid).as_tuple()


@pytest.mark.parametrize("fields", [("series", "rank", "volume"), ("volume", "rank", "series")])
def test_readings_are_cut_from_a_batch(fields: tuple[str, ...]) -> None:
    """The order of the fields of a document only matters for speed."""
    kept = sample(volume="0.5")
    whole = packing.sample_to_document(kept.key, kept)
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
    documents = [packing.sample_to_document(one.key, one) for one in kept]
    found = list(mapping.found_in_batch(b"".join(map(encode, documents))))

    assert [(rank_of(one.timestamp, one.key), one.key) for one in kept] == [
        one.position for one in found
    ]
    assert [mapping.row_from_document(one) for one in map(decoded, documents)] == [
        one.row for one in found
    ]
    assert ids == [one.row.id for one in found]


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
