from typing import Any

import pytest

from metering.storage.mongodb import indexes
from metering.storage.mongodb.names import RANK, TRACK, VOLUME

COMPLETE: list[dict[str, Any]] = [
    {"key": {"_id": 1}},
    {"key": {TRACK: 1, RANK: 1, VOLUME: 1}},
    {"key": {RANK: 1}},
]


def test_nothing_is_missing_where_all_are() -> None:
    """The table describes what is there."""
    assert [] == list(indexes.missing("samples", COMPLETE))


def test_a_missing_index_is_named_with_its_question() -> None:
    """The sentence says which index, and what is slow without it."""
    (sentence,) = indexes.missing("samples", COMPLETE[:2])

    assert (
        "the index r of the collection samples is missing, which serves "
        "pages of samples of very many tracks: run metering-manage prepare"
    ) == sentence


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": True},
        {"sparse": True},
        {"partialFilterExpression": {VOLUME: {"$gt": 0}}},
        {"collation": {"locale": "de"}},
    ],
)
def test_an_index_that_does_not_serve_is_missing(options: dict[str, Any]) -> None:
    """An index that is hidden or leaves documents out is as good as none."""
    crippled = [*COMPLETE[:2], COMPLETE[2] | options]

    assert 1 == len(list(indexes.missing("samples", crippled)))


def test_the_order_of_fields_counts() -> None:
    """The same fields in another order are another index."""
    turned = [{"key": {TRACK: 1, VOLUME: 1, RANK: 1}}, *COMPLETE[2:]]

    assert 1 == len(list(indexes.missing("samples", turned)))
