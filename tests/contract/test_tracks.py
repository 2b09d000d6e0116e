"""What tells the series of a track apart, and what does not: sealed or not, the answers are one."""

from datetime import timedelta
from typing import Any

import pytest
from builders import LATER, NOON, after_noon, sample
from contract.asking import EVERYONE, bounds, keep, samples, summaries
from contract.test_streams import uncut

from metering.cuts import Cuts
from metering.metadata import Metadata
from metering.model import Place, Sample, Series, Subject
from metering.query import FIELDS, AllOf, Comparison, Operator, StreamQuery, metadata_field
from metering.storage import series_lookup
from metering.storage.base import Effort, Storage
from metering.storage.memory import MemoryStorage
from metering.times import FixedWindows, Range, WholeRange

MIDNIGHT = NOON - timedelta(hours=12)
DAY = timedelta(days=1)
A, B = {"size": "small"}, {"size": "large"}
TRACK = sample().series.track
OF_A, OF_B = (Series(TRACK, Metadata.of(tree)) for tree in (A, B))
IS_A = Comparison(metadata_field("size"), Operator.EQ, "small")


def history() -> list[Sample]:
    """A day of A, a day of A and B by turns, and a day of B: a sample each six hours."""
    return [
        sample(
            id=f"s-{place:02}",
            timestamp=MIDNIGHT + place * DAY / 4,
            volume=place,
            metadata=A if place < 4 or place in (5, 7) else B,
        )
        for place in range(12)
    ]


@pytest.fixture(params=["not sealed", "a day sealed", "all sealed", "struck"])
def usage(request: pytest.FixtureRequest, storage: Storage) -> Storage:
    """A store that has that history."""
    keep(storage, *history())
    days = {"not sealed": 0, "a day sealed": 1}.get(request.param, 3)
    if days:
        list(storage.seal(MIDNIGHT + days * DAY))
    if request.param == "struck":
        late = sample(id="late", timestamp=MIDNIGHT + DAY + timedelta(hours=1), metadata=B)
        keep(storage, late)
    return storage


def streams(storage: Storage, **query: Any) -> list[Any]:
    """What each reading says of itself and of what follows, however stretches were cut."""
    question = StreamQuery(scope=EVERYONE, **query)
    return [uncut(list(found), question.cuts) for found in storage.streams(question)]


def volumes(found: list[Sample]) -> list[int]:
    """Of samples by time, but the late one's."""
    return [int(one.volume) for one in reversed(found) if one.id != "late"]


def is_struck(usage: Storage) -> int:
    """How many late samples there are."""
    return len([one for one in samples(usage) if one.id == "late"])


def test_summaries_of_series(usage: Storage) -> None:
    """Each series has its own samples, and the intervals between them."""
    found = {series: one for (series, _), one in summaries(usage).items()}

    assert found.keys() == {OF_A, OF_B}
    assert found[OF_A].count == 6
    assert found[OF_A].sum == 0 + 1 + 2 + 3 + 5 + 7
    assert found[OF_A].increase == 7
    assert found[OF_A].longest_gap_seconds == 2 * 6 * 3600
    assert found[OF_B].count == 6 + is_struck(usage)


def test_summaries_of_tracks(usage: Storage) -> None:
    """A track has the samples of all its series, and the intervals between them."""
    ((track, _),) = summaries(usage, by_series=False)
    (found,) = summaries(usage, by_series=False).values()

    assert track == TRACK
    assert found.count == 12 + is_struck(usage)
    assert found.first.volume == 0
    assert found.last.volume == 11
    if not is_struck(usage):
        assert found.increase == 11
        assert found.longest_gap_seconds == 6 * 3600


def test_summaries_of_what_matches(usage: Storage) -> None:
    """A filter on metadata takes no other samples."""
    windows = FixedWindows(MIDNIGHT, 86_400)
    found = summaries(usage, filter=IS_A, windows=windows)

    assert {series for series, _ in found} == {OF_A}
    by_day = sorted((window.start, one.count, one.sum) for (_, window), one in found.items())
    assert by_day == [(MIDNIGHT, 4, 6), (MIDNIGHT + DAY, 2, 12)]


def test_summaries_of_samples_that_match(usage: Storage) -> None:
    """A filter on metadata and on samples, or on samples alone."""
    big = Comparison(FIELDS["volume"], Operator.GE, 5)
    (of_a,) = summaries(usage, filter=AllOf((IS_A, big))).values()
    (of_all,) = summaries(usage, filter=big, by_series=False).values()

    assert (of_a.count, of_a.sum) == (2, 12)
    assert (of_all.count, of_all.sum, of_all.increase) == (7, 56, 6)


def test_samples_of_what_matches(usage: Storage) -> None:
    """Each sample has the description that it came with."""
    found = samples(usage, filter=IS_A)

    assert [0, 1, 2, 3, 5, 7] == volumes(found)
    assert {one.series for one in found} == {OF_A}
    assert list(range(12)) == volumes(samples(usage))


def test_extents_of_series_and_tracks(usage: Storage) -> None:
    """From the first to the last sample, of each series or of all of a track."""
    begin, end = MIDNIGHT, MIDNIGHT + 11 * DAY / 4
    of_a = begin, MIDNIGHT + 7 * DAY / 4

    assert bounds(usage) == {OF_A: of_a, OF_B: (MIDNIGHT + DAY, end)}
    assert bounds(usage, by_series=False) == {TRACK: (begin, end)}
    assert bounds(usage, filter=IS_A) == {OF_A: of_a}
    assert bounds(usage, by_series=False, last_only=True) == {TRACK: (end, end)}


def test_extents_within_a_day(usage: Storage) -> None:
    """Also of a part of a day that has several descriptions."""
    at = MIDNIGHT + 5 * DAY / 4
    range_ = Range(at, at + DAY / 4)

    assert bounds(usage, range=range_) == {OF_A: (at, at)}
    assert bounds(usage, range=range_, by_series=False) == {TRACK: (at, at)}


def test_samples_at_places_of_tracks_and_series(usage: Storage) -> None:
    """A place of a series has only its samples; one of a track those of all its series."""
    at = MIDNIGHT + 5 * DAY / 4

    def found(series: Subject) -> list[str]:
        return [one.id for one in usage.samples_at([Place(series, at)])]

    assert found(OF_A) == ["s-05"]
    assert found(OF_B) == []
    assert found(TRACK) == ["s-05"]
    both = [Place(OF_A, at), Place(TRACK, at)]
    assert [one.id for one in usage.samples_at(both)] == ["s-05"]


@pytest.mark.parametrize("by_series", [False, True])
def test_what_was_recorded_later_does_not_count(storage: Storage, *, by_series: bool) -> None:
    """Also if it was sealed since, together with what was there before."""
    second = LATER + timedelta(seconds=1)
    keep(storage, *history())
    late = {"id": "late", "timestamp": NOON + 5 * DAY, "metadata": A, "recorded_at": second}
    keep(storage, sample(**late))
    list(storage.seal(MIDNIGHT + 10 * DAY))

    def last(**query: Any) -> Any:
        found = bounds(storage, by_series=by_series, **query)
        return found[OF_A if by_series else TRACK][1]

    assert last() == last(as_of=second) == NOON + 5 * DAY
    before = MIDNIGHT + (7 if by_series else 11) * DAY / 4
    assert last(as_of=LATER) == before


def test_descriptions_of_one_instant(storage: Storage) -> None:
    """Both are told, and neither is taken for the other's."""
    keep(storage, sample(id="a", metadata=A, volume=2), sample(id="b", metadata=B, volume=2))
    list(storage.seal(MIDNIGHT + DAY))

    assert bounds(storage) == {OF_A: (NOON, NOON), OF_B: (NOON, NOON)}
    assert [1, 1] == [one.count for one in summaries(storage).values()]
    assert [2] == [one.count for one in summaries(storage, by_series=False).values()]


def test_who_does_not_ask_for_metadata_reads_no_samples(storage: Storage) -> None:
    """Of tracks a month is one piece, whatever its descriptions; of series mixed days are read."""
    keep(storage, *history())
    list(storage.seal(MIDNIGHT + 40 * DAY))
    of_tracks, of_series = Effort(), Effort()
    range_ = Range(MIDNIGHT, MIDNIGHT + 30 * DAY)
    summaries(storage, range=range_, by_series=False, effort=of_tracks)
    summaries(storage, range=range_, effort=of_series)

    if not isinstance(storage, MemoryStorage):
        assert of_tracks == Effort(tracks=1, pieces=1, samples=0)
        assert of_series == Effort(tracks=1, pieces=2, samples=4)


def busy_history() -> list[Sample]:
    """Four days of a sample each half hour: A, then B; by turns; some hundred; A again."""
    found = []
    for place in range(4 * 48):
        day, turn = divmod(place, 48)
        tree = [A if turn < 20 else B, A if turn % 2 else B, {"turn": turn // 2}, A][day]
        at = MIDNIGHT + place * DAY / 48
        found.append(sample(id=f"s-{place:03}", timestamp=at, volume=place % 7, metadata=tree))
    return found


FOUR_DAYS = Range(MIDNIGHT, MIDNIGHT + 4 * DAY)
CUT = {
    "whole": WholeRange(FOUR_DAYS),
    "days": FixedWindows(MIDNIGHT, 86_400),
    "shifted days": FixedWindows(NOON, 86_400),
    "hours": FixedWindows(MIDNIGHT, 3_600),
}


@pytest.mark.parametrize("by_series", [False, True])
@pytest.mark.parametrize("cut", CUT)
def test_busy_days_of_several_descriptions(storage: Storage, cut: str, *, by_series: bool) -> None:
    """However they were sealed, the answers are those of the memory driver."""
    memory = MemoryStorage()
    for one in (storage, memory):
        keep(one, *busy_history())
    list(storage.seal(MIDNIGHT + 4 * DAY))
    range_ = Range(MIDNIGHT, MIDNIGHT + 4 * DAY)
    asked = {"windows": CUT[cut], "range": range_, "by_series": by_series}

    assert summaries(storage, **asked) == summaries(memory, **asked)
    if by_series:
        assert summaries(storage, **asked, filter=IS_A) == summaries(memory, **asked, filter=IS_A)
    assert bounds(storage, by_series=by_series) == bounds(memory, by_series=by_series)
    cuts = Cuts(windows=CUT[cut])
    told = [streams(one, cuts=cuts, range=range_, by_series=by_series) for one in (storage, memory)]
    assert told[0] == told[1]


def test_what_is_read_of_busy_days(storage: Storage) -> None:
    """By series a day of two descriptions is two pieces; of very many its samples are read."""
    keep(storage, *busy_history())
    list(storage.seal(MIDNIGHT + 40 * DAY))
    of_series = Effort()
    summaries(storage, range=Range(MIDNIGHT, MIDNIGHT + 30 * DAY), effort=of_series)

    if not isinstance(storage, MemoryStorage):
        assert of_series == Effort(tracks=1, pieces=2 + 2 + 1, samples=48)


def test_a_month_of_few_descriptions(storage: Storage) -> None:
    """By series it is a piece for each, whatever its days have; streams are told apart as well.

    What they have in a part of the month is told by days.
    """
    memory, two_days = MemoryStorage(), busy_history()[:96]
    for one in (storage, memory):
        keep(one, *two_days)
    list(storage.seal(MIDNIGHT + 40 * DAY))
    range_ = Range(MIDNIGHT, MIDNIGHT + 30 * DAY)
    whole, part = Effort(), Effort()

    assert summaries(storage, range=range_, effort=whole) == summaries(memory, range=range_)
    cuts = Cuts(windows=WholeRange(range_))
    told = [streams(one, cuts=cuts, range=range_) for one in (storage, memory)]
    assert told[0] == told[1]
    first_day = Range(MIDNIGHT, MIDNIGHT + DAY)
    assert summaries(storage, range=first_day, effort=part) == summaries(memory, range=first_day)
    if not isinstance(storage, MemoryStorage):
        assert whole == Effort(tracks=1, pieces=2, samples=0)
        assert part == Effort(tracks=1, pieces=2, samples=0)
    found = [told for one in storage.verify() for told in one.contradictions]
    assert found == []


def test_samples_that_match_of_many_descriptions(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than are remembered at once."""
    monkeypatch.setattr(series_lookup, "_MOST_SERIES", 2)
    monkeypatch.setattr(series_lookup, "_FIRST_ROWS", 2)
    monkeypatch.setattr(series_lookup, "_MOST_ROWS", 3)
    told = [
        sample(id=f"s-{n}", timestamp=after_noon(n), metadata={"n": n}, volume=n % 3)
        for n in range(90)
    ]
    keep(storage, *told)
    big = Comparison(FIELDS["volume"], Operator.GE, 1)

    assert [60] == [one.count for one in summaries(storage, filter=big, by_series=False).values()]
    assert len(summaries(storage, filter=big)) == 60
    assert samples(storage, filter=big) == [one for one in reversed(told) if one.volume >= 1]
    assert len(bounds(storage)) == 90


def test_readings_of_one_instant_under_one_of_several_descriptions(storage: Storage) -> None:
    """They are in the order of their volumes, sealed or not."""
    memory = MemoryStorage()
    told = [
        sample(
            id=f"s-{n}",
            timestamp=after_noon(n // 6),
            volume=7 * n % 11,
            metadata=A if n % 2 else B,
        )
        for n in range(48)
    ]
    for one in (storage, memory):
        keep(one, *told)

    assert summaries(storage) == summaries(memory)
    list(storage.seal(MIDNIGHT + DAY))
    assert summaries(storage) == summaries(memory)


@pytest.mark.parametrize("cut", CUT)
def test_late_samples_of_a_day_of_few_descriptions(storage: Storage, cut: str) -> None:
    """They are told, of whichever description, until the day is sealed again and then."""
    memory = MemoryStorage()
    for one in (storage, memory):
        keep(one, *busy_history())
    list(storage.seal(MIDNIGHT + 4 * DAY))
    at = MIDNIGHT + DAY + timedelta(minutes=1)
    for one in (storage, memory):
        keep(one, sample(id="late", timestamp=at, volume=50, metadata=B))
    asked = {"windows": CUT[cut], "range": FOUR_DAYS}
    cuts, near = Cuts(windows=CUT[cut]), Range(at, at + DAY)

    for _ in range(2):
        assert summaries(storage, **asked) == summaries(memory, **asked)
        assert bounds(storage, range=near) == bounds(memory, range=near)
        told = [streams(one, cuts=cuts, range=FOUR_DAYS) for one in (storage, memory)]
        assert told[0] == told[1]
        list(storage.seal(MIDNIGHT + 4 * DAY))


def moved(some: list[Sample], days: int) -> list[Sample]:
    """The same samples some days later."""
    return [
        sample(
            id=f"{one.id}+{days}",
            timestamp=one.timestamp + days * DAY,
            volume=one.volume,
            metadata=one.series.metadata,
        )
        for one in some
    ]


@pytest.mark.parametrize("count", [1, 20])
def test_a_day_of_few_descriptions_has_more_when_sealed_again(storage: Storage, count: int) -> None:
    """Nothing of what it had before is told of it then; other days keep what they have."""
    memory = MemoryStorage()
    for one in (storage, memory):
        keep(one, *busy_history()[:96], *moved(busy_history()[48:96], 5))
    list(storage.seal(MIDNIGHT + 10 * DAY))
    late = [
        sample(id=f"late-{n}", timestamp=MIDNIGHT + DAY + n * DAY / 24, metadata={"late": n})
        for n in range(count)
    ]
    for one in (storage, memory):
        keep(one, *late)
    list(storage.seal(MIDNIGHT + 10 * DAY))

    for range_ in (Range(MIDNIGHT, MIDNIGHT + 10 * DAY), Range(MIDNIGHT, MIDNIGHT + 2 * DAY)):
        assert summaries(storage, range=range_) == summaries(memory, range=range_)
        cuts = Cuts(windows=WholeRange(range_))
        told = [streams(one, cuts=cuts, range=range_) for one in (storage, memory)]
        assert told[0] == told[1]
    found = [told for one in storage.verify() for told in one.contradictions]
    assert found == []


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("by_series", [False, True])
def test_what_was_recorded_later_does_not_count_when_sealed_again(
    storage: Storage, *, by_series: bool, first: bool
) -> None:
    """Whether it is in the days that were sealed before, or in those that came late."""
    second = LATER + timedelta(seconds=1)
    memory = MemoryStorage()
    batches = [
        sample(id=f"s-{day}", timestamp=NOON + day * DAY, metadata=A, recorded_at=recorded)
        for day, recorded in ((0, LATER), (3, second))
    ]
    for one in batches if first else reversed(batches):
        keep(storage, one)
        keep(memory, one)
        list(storage.seal(MIDNIGHT + 10 * DAY))

    for as_of in (None, LATER, second):
        asked = {"as_of": as_of, "by_series": by_series}
        assert bounds(storage, **asked) == bounds(memory, **asked)


def test_many_descriptions(storage: Storage) -> None:
    """A description for each sample: all are found, with their samples."""
    keep(
        storage,
        *(
            sample(id=f"s-{n}", timestamp=after_noon(n), metadata={"n": n}, volume=n)
            for n in range(1_500)
        ),
    )
    for _ in range(2):
        assert [one.series.metadata.tree["n"] for one in samples(storage)] == list(
            range(1_499, -1, -1)
        )
        assert len(bounds(storage)) == 1_500
        assert [1_500] == [one.count for one in summaries(storage, by_series=False).values()]
        list(storage.seal(MIDNIGHT + DAY))
