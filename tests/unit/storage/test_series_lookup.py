"""Samples of rows: descriptions are looked up once, some at a time, and not all are held."""

from collections.abc import Collection, Iterator
from decimal import Decimal

import pytest
from builders import LATER, NOON, series

from metering.errors import Misconfigured
from metering.matching import matches
from metering.metadata import Metadata
from metering.model import Series
from metering.query import FIELDS, AllOf, Comparison, Filter, Operator, metadata_field
from metering.storage import sample_filter, series_lookup
from metering.storage.handles import Handle
from metering.storage.sample_filter import SampleFilter
from metering.storage.series_lookup import SeriesLookUp
from metering.storage.stored_sample import StoredSample

TRACKS = {number: series(resource_id=f"vm-{number}").track for number in range(3)}


class Descriptions:
    """As many as anybody asks for: the handle is in the text; notes what was looked up."""

    def __init__(self) -> None:
        """Nothing was looked up."""
        self.looked_up: list[list[Handle]] = []

    def read(self, handles: Collection[Handle]) -> Iterator[tuple[Handle, Metadata]]:
        """The descriptions with these handles."""
        self.looked_up.append(list(handles))
        return ((handle, Metadata.of({"n": handle})) for handle in handles)


def row(number: int, description: int, volume: int = 1) -> StoredSample:
    """A sample of one of the tracks under some description."""
    return StoredSample(number % 3, description, f"s-{number}", NOON, Decimal(volume), LATER)


def of(one: StoredSample) -> Series:
    """The series that a row is of."""
    return Series(TRACKS[one.track], Metadata.of({"n": one.description}))


def test_rows_become_samples() -> None:
    """In order, each of the track and the description that its row names."""
    rows = [row(number, number % 2) for number in range(1_000)]
    found = list(SeriesLookUp(Descriptions().read, TRACKS).samples(rows))

    assert rows == [one for one, _ in found]
    assert [one.sample(of(one)) for one in rows] == [sample for _, sample in found]


def test_a_description_is_looked_up_once() -> None:
    """However many rows name it; new ones of some rows together."""
    descriptions = Descriptions()
    rows = [row(number, number // 100) for number in range(1_000)]
    list(SeriesLookUp(descriptions.read, TRACKS).samples(rows))

    looked_up = [one for some in descriptions.looked_up for one in some]
    assert sorted(looked_up) == list(range(10))
    assert len(descriptions.looked_up) <= 4


def test_equal_rows_share_a_series() -> None:
    """No two objects are made of one series."""
    rows = [row(number, 7) for number in range(600)]
    found = [series for _, series in SeriesLookUp(Descriptions().read, TRACKS).with_series(rows)]

    assert len({id(one) for one in found}) == len(TRACKS)


def test_the_first_rows_cost_little() -> None:
    """Who reads a page has no more than its descriptions looked up."""
    descriptions = Descriptions()
    rows = (row(number, number) for number in range(10_000))
    next(SeriesLookUp(descriptions.read, TRACKS).with_series(rows))

    assert [128] == [len(some) for some in descriptions.looked_up]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each sample has another description, few are held; what comes again is right."""
    monkeypatch.setattr(series_lookup, "_MOST_SERIES", 40)
    monkeypatch.setattr(series_lookup, "_FIRST_ROWS", 8)
    monkeypatch.setattr(series_lookup, "_MOST_ROWS", 16)
    one = SeriesLookUp(Descriptions().read, TRACKS)
    rows = [row(number, number % 300) for number in range(900)]
    for found, sample in one.samples(rows):
        assert sample == found.sample(of(found))
        assert len(one._metadata) <= 40 + 16
        assert len(one._series) <= 40 + 16


def test_several_may_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one has forgotten, another that is in the midst of its rows still has."""
    monkeypatch.setattr(series_lookup, "_MOST_SERIES", 2)
    monkeypatch.setattr(series_lookup, "_FIRST_ROWS", 2)
    monkeypatch.setattr(series_lookup, "_MOST_ROWS", 3)
    one = SeriesLookUp(Descriptions().read, TRACKS)
    rows = [row(number, number) for number in range(100)]
    inner = (found for found, _ in one.samples(rows) if found.description % 3)

    assert [found for found, _ in one.samples(inner)] == [
        found for found in rows if found.description % 3
    ]


def test_a_description_that_is_missing() -> None:
    """It is said what is wrong, instead of leaving samples out."""
    with pytest.raises(Misconfigured, match="are missing"):
        list(SeriesLookUp(lambda _: [], TRACKS).samples([row(1, 1)]))


SMALL = Comparison(metadata_field("n"), Operator.LT, 5)
LARGE = Comparison(FIELDS["volume"], Operator.GT, 1)


@pytest.mark.parametrize("left", [AllOf(()), SMALL, LARGE, AllOf((SMALL, LARGE))])
def test_what_passes_matches(left: Filter) -> None:
    """Each sample of the tracks of which something is left to ask, and all of others."""
    filter_ = SampleFilter({0: left, 1: left})
    rows = [row(number, number % 10, volume=number % 4) for number in range(120)]
    for one in rows:
        sample = one.sample(of(one))

        assert filter_.passes(one, sample) == (one.track == 2 or matches(left, sample))


def test_what_was_decided_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A series that comes again after it was forgotten is decided anew."""
    monkeypatch.setattr(sample_filter, "_MOST_SERIES", 40)
    filter_ = SampleFilter(dict.fromkeys(TRACKS, SMALL))
    for number in range(900):
        one = row(number, number % 100)

        assert filter_.passes(one, one.sample(of(one))) == (number % 100 < 5)
        assert len(filter_._decided) <= 41
