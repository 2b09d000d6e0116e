"""`Storage.streams`: the stretches of streams, and what follows them."""

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
import strategies
from builders import NOON, after_noon, sample
from contract.asking import EVERYONE, keep
from contract.stores import Driver
from contract.test_against_memory import History, record_in_both, try_hard
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metering.cuts import Cuts
from metering.decimals import EXACT
from metering.metadata import Metadata
from metering.model import MeterType, Project, Sample
from metering.query import (
    FIELDS,
    AllOf,
    Comparison,
    Operator,
    StreamQuery,
    asks_metadata,
    metadata_field,
)
from metering.storage import folding
from metering.storage.base import Effort, Storage
from metering.storage.memory import MemoryStorage
from metering.streams import Stretch
from metering.summary import Reading, of_stream
from metering.times import EVER, FixedWindows, Range, WholeRange

DAY = timedelta(days=1)
WHOLE = Cuts(windows=WholeRange(EVER))


def history(*told: tuple[float, Any, dict[str, Any]]) -> list[Sample]:
    """Samples from (seconds after NOON, volume, what else is not as usual)."""
    return [
        sample(id=f"s{place}", timestamp=after_noon(seconds), volume=volume, **changes)
        for place, (seconds, volume, changes) in enumerate(told)
    ]


def ask(storage: Storage, cuts: Cuts = WHOLE, **query: Any) -> list[list[Stretch]]:
    """The streams, by resource."""
    question = StreamQuery(**{"scope": EVERYONE, "cuts": cuts} | query)
    found = [list(stretches) for stretches in storage.streams(question)]
    return sorted(found, key=lambda stretches: stretches[0].subject.stream)


def uncut(stretches: list[Stretch], cuts: Cuts) -> Any:
    """What stretches say, however far they were cut: by description and window, and what crosses.

    Cuts must be obeyed.
    """
    inside: dict[Any, list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0), 0, Decimal(0)])
    crossing = []
    opened = [one.summary.first for one in stretches if one.opens]
    with localcontext(EXACT):
        for one in stretches:
            assert one.summary.count == 1 or cuts.allow(one.subject.type, one.summary)
            summary, follower = one.summary, one.next
            window = cuts.windows.containing(summary.first.at)
            found = [summary]
            if follower is None or follower.at not in window:
                crossing.append((one.subject.digest, summary.last, one.until, follower))
            else:
                assert follower >= summary.last
                assert follower.at == one.until
                both = of_stream([summary.last, follower])
                found.append(structs.replace(both, count=0, sum=Decimal(0)))
            figures = inside[one.subject.digest, window.start]
            for part in found:
                figures[0] += part.count
                figures[1] += part.sum
                figures[2] += part.increase
                figures[3] += part.resets
                figures[4] += part.unit_seconds
    return sorted(inside.items()), crossing, opened, {one.stream_last for one in stretches}


SMALL, LARGE = {"metadata": {"flavor": "small"}}, {"metadata": {"flavor": "large"}}


def test_an_empty_store(storage: Storage) -> None:
    """Where there are no samples there is no stream."""
    assert ask(storage) == []


def test_one_stretch(storage: Storage) -> None:
    """Readings under one description; the first opens the stream, and nothing follows."""
    keep(storage, *history((0, 1, {}), (10, 4, {}), (20, 2, {})))
    (stream,) = ask(storage)

    _, crossing, opened, last = uncut(stream, WHOLE)
    assert crossing[-1][1:] == (Reading(after_noon(20), Decimal(2)), None, None)
    assert opened == [Reading(NOON, Decimal(1))]
    assert last == {after_noon(20)}
    assert sum(one.summary.count for one in stream) == 3


def test_descriptions_change_and_come_back(storage: Storage) -> None:
    """A, B, A: each stretch ends at the next reading, whatever its description."""
    keep(storage, *history((0, 1, SMALL), (10, 2, LARGE), (20, 3, SMALL), (30, 4, SMALL)))
    (stream,) = ask(storage, Cuts(windows=WholeRange(EVER), longest=timedelta()))

    assert [1, 2, 3, 4] == [one.summary.first.volume for one in stream]
    assert [2, 3, 4, None] == [one.next and one.next.volume for one in stream]
    flavors = [one.subject.metadata.find("flavor")[0] for one in stream]
    assert ["small", "large", "small", "small"] == flavors


def test_a_filter_chooses_by_the_earlier_description(storage: Storage) -> None:
    """What does not match is left out, but ends what does."""
    keep(storage, *history((0, 1, SMALL), (10, 2, LARGE), (20, 3, SMALL)))
    flavor = Comparison(metadata_field("flavor"), Operator.EQ, "small")
    (stream,) = ask(storage, filter=flavor)

    said = [(one.summary.first.volume, one.next and one.next.volume, one.opens) for one in stream]
    assert said == [(1, 2, True), (3, None, False)]


@pytest.mark.parametrize("is_sealed", [False, True])
def test_tracks_are_not_cut_where_metadata_change(storage: Storage, *, is_sealed: bool) -> None:
    """Without `by_series` a stretch goes on under another description, and ends with its owner."""
    theirs = {"project_id": "p-2"}
    keep(storage, *history((0, 1, SMALL), (10, 2, LARGE), (20, 3, SMALL), (30, 4, theirs)))
    if is_sealed:
        list(storage.seal(NOON + DAY))
    (stream,) = ask(storage, by_series=False)

    tracks = [sample().series.track, sample(**theirs).series.track]
    assert {one.subject for one in stream} == set(tracks)
    figures, crossing, opened, _ = uncut(stream, WHOLE)
    counts = {digest: found[0] for (digest, _), found in figures}
    assert [3, 1] == [counts[one.digest] for one in tracks]
    assert [4] == [one[1].volume for one in crossing]
    assert [1] == [one.volume for one in opened]


def test_another_owner_ends_a_stretch(storage: Storage) -> None:
    """Of a resource that changes hands one instant of the next owner is told, and no volume."""
    mine, theirs = {"project_id": "p-1"}, {"project_id": "p-2"}
    keep(storage, *history((0, 1, mine), (10, 5, theirs), (20, 9, theirs)))

    (stream,) = ask(storage, scope=Project("p-1"))
    assert [(1, after_noon(10), None)] == [
        (one.summary.last.volume, one.until, one.next) for one in stream
    ]
    (stream,) = ask(storage, scope=Project("p-2"))
    assert not any(one.opens for one in stream)
    assert ask(storage, scope=Project("p-3")) == []
    (stream,) = ask(storage, filter=Comparison(FIELDS["project_id"], Operator.EQ, "p-1"))
    assert [5] == [one.next.volume for one in stream if one.next]


def test_the_last_reading_of_a_stream(storage: Storage) -> None:
    """Of whatever description; not if it lies beyond the range, or is somebody else's."""
    mine, theirs = {"project_id": "p-1"}, {"project_id": "p-2"}
    keep(storage, *history((0, 1, SMALL | mine), (10, 2, LARGE | mine), (20, 3, theirs)))
    small = Comparison(metadata_field("flavor"), Operator.EQ, "small")

    def lasts(**query: Any) -> set[datetime | None]:
        return {one.stream_last for stream in ask(storage, **query) for one in stream}

    assert {after_noon(20)} == lasts() == lasts(filter=small) == lasts(scope=Project("p-2"))
    assert {None} == lasts(scope=Project("p-1")) == lasts(range=Range(NOON, after_noon(20)))
    assert {after_noon(20)} == lasts(range=Range(NOON, after_noon(20.001)), filter=small)


def test_the_reading_before_the_range_is_told(storage: Storage) -> None:
    """However long before: without it there would be no interval that begins the range."""
    told = history(
        (-(10**8), 1, {}), (-(10**7), 2, {}), (10, 3, {}), (10**7, 4, {}), (10**8, 5, {})
    )
    keep(storage, *told)
    (stream,) = ask(storage, range=Range(NOON, NOON + DAY))

    said = [(one.summary.first.volume, one.next and one.next.volume, one.opens) for one in stream]
    assert said == [(2, 3, False), (3, 4, False)]


def test_a_range_without_readings(storage: Storage) -> None:
    """Between two readings there is an interval; before the first and in an empty range none."""
    keep(storage, *history((0, 1, {}), (10**7, 4, {})))

    (stream,) = ask(storage, range=Range(NOON + DAY, NOON + 2 * DAY))
    assert [(1, 4)] == [(one.summary.last.volume, one.next.volume) for one in stream if one.next]
    assert ask(storage, range=Range(NOON - 2 * DAY, NOON - DAY)) == []
    assert ask(storage, range=Range(NOON + DAY, NOON + DAY)) == []


@pytest.mark.parametrize("followed", [set(), {3}, set(range(60))], ids=len)
def test_many_streams_are_followed(storage: Storage, followed: set[int]) -> None:
    """By a reading after the range, or by none, each by itself."""
    keep(
        storage,
        *(
            sample(id=f"s{number}/{at}", resource_id=f"vm-{number:02}", timestamp=after_noon(at))
            for number in range(60)
            for at in ((0, 20) if number in followed else (0,))
        ),
    )

    found = ask(storage, range=Range(NOON, after_noon(10)))
    assert followed == {number for number, (one,) in enumerate(found) if one.until}


def test_descriptions_that_do_not_match_end_a_stretch(storage: Storage) -> None:
    """Whether the look-up finds them, with others that do not match, or leaves them out."""
    keep(storage, *history((0, 1, SMALL), (10, 2, LARGE | {"user_id": "u-2"})))
    other = {"meter": "disk", "user_id": "u-3"}
    keep(storage, sample(id="other", timestamp=NOON, **other))
    small = Comparison(metadata_field("flavor"), Operator.EQ, "small")
    meter = Comparison(FIELDS["meter"], Operator.EQ, "cpu")
    user = Comparison(FIELDS["user_id"], Operator.EQ, "u-1")

    for conditions in ((small,), (small, meter), (user,), (user, meter)):
        (stream,) = ask(storage, filter=AllOf(conditions))
        assert [2] == [one.next.volume for one in stream if one.next]


def test_readings_of_one_instant(storage: Storage) -> None:
    """They are in the order of their volumes, also over a change, and at both ends of a range."""
    keep(storage, *history((0, 3, SMALL), (0, 1, SMALL), (0, 2, LARGE), (9, 8, LARGE), (9, 7, {})))
    (stream,) = ask(storage, Cuts(windows=WholeRange(EVER), longest=timedelta(), constant=True))

    assert [1, 2, 3, 7, 8] == [one.summary.first.volume for one in stream]
    (stream,) = ask(storage, range=Range(after_noon(1), after_noon(9)))
    assert [(3, 7)] == [(one.summary.last.volume, one.next.volume) for one in stream if one.next]


def test_types_units_sources_and_resources_are_streams_of_their_own(storage: Storage) -> None:
    """Nothing is credited between them."""
    others: list[dict[str, Any]] = [
        {},
        {"type": MeterType.DELTA},
        {"unit": "GB"},
        {"source": "other"},
        {"resource_id": "vm-2"},
        {"meter": "disk"},
    ]
    keep(storage, *history(*((0, 1, changes) for changes in others)))

    assert len(ask(storage)) == len(others)
    only = Comparison(FIELDS["meter"], Operator.EQ, "disk")
    assert len(ask(storage, filter=only)) == 1


CUTS = {
    "days": Cuts(windows=FixedWindows(NOON - DAY / 2, 86_400)),
    "at an instant": Cuts(windows=WholeRange(EVER), at=after_noon(25)),
    "max gaps": Cuts(windows=WholeRange(EVER), max_gaps={MeterType.GAUGE: timedelta(seconds=10)}),
    "constant": Cuts(windows=WholeRange(EVER), constant=True),
    "longest": Cuts(windows=WholeRange(EVER), longest=timedelta(seconds=20)),
}


@pytest.mark.parametrize("cuts", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("is_sealed", [False, True])
def test_cuts_are_kept_to(storage: Storage, cuts: Cuts, *, is_sealed: bool) -> None:
    """Pieces are cut as asked, sealed or not (`uncut` looks)."""
    told = [(9.5 * number, number // 3, SMALL) for number in range(12)]
    told += [(86_400 + 50 * number, 1, LARGE if number % 4 == 2 else SMALL) for number in range(9)]
    keep(storage, *history(*told))
    whole = MemoryStorage()
    keep(whole, *history(*told))
    if is_sealed:
        list(storage.seal(NOON + 5 * DAY))

    assert [uncut(one, cuts) for one in ask(storage, cuts)] == [
        uncut(one, cuts) for one in ask(whole, cuts)
    ]


def test_short_cuts_are_kept_to_beside_a_tangle(storage: Storage) -> None:
    """Two descriptions at one instant change nothing of how far the rest is cut."""
    keep(storage, *history((0, 1, SMALL), (0, 2, LARGE), (10**5, 3, LARGE), (10**5 + 5, 4, LARGE)))
    (stream,) = ask(storage, Cuts(windows=WholeRange(EVER), longest=timedelta()))

    assert [1, 1, 1, 1] == [one.summary.count for one in stream]


def test_sealed_months_are_one_piece(storage: Storage) -> None:
    """Nothing else is read of a month that is sealed, but what comes before and after."""
    keep(storage, *history(*((3600 * number, number, {}) for number in range(24 * 12))))
    list(storage.seal(NOON + 40 * DAY))
    effort = Effort()
    range_ = Range(NOON.replace(day=1, hour=0), NOON.replace(month=7, hour=0))
    question = StreamQuery(scope=EVERYONE, cuts=WHOLE, range=range_)
    list(storage.streams(question, effort))

    assert effort in (Effort(1, 1, 0), Effort(1, 0, 288))  # a driver that seals, and memory


descriptions = st.sampled_from([{}, {"a": 1}, {"a": 2}]).map(Metadata.of)
of_one_stream = st.builds(
    lambda metadata, project, type_: {"metadata": metadata, "project_id": project, "type": type_},
    descriptions,
    st.sampled_from(["p-1", "p-2"]),
    st.sampled_from([MeterType.GAUGE, MeterType.GAUGE, MeterType.CUMULATIVE]),
)


@st.composite
def tangled(draw: st.DrawFn) -> History:
    """Histories of few streams whose descriptions change and come back."""
    batches: History = []
    for number in range(draw(st.integers(5, 30))):
        changes = draw(of_one_stream)
        at = draw(strategies.instants)
        volume = draw(st.sampled_from(["0", "1", "2.5", "-3", "10"]))
        one = sample(id=f"s{number}", timestamp=at, volume=volume, **changes)
        batches.append(([strategies.Submission(one)], False))
    return batches


@st.composite
def cut_questions(draw: st.DrawFn) -> StreamQuery:
    """Questions of streams."""
    range_ = draw(strategies.ranges)
    filter_ = draw(strategies.series_filters)
    return StreamQuery(
        scope=draw(strategies.scopes),
        filter=filter_,
        by_series=asks_metadata(filter_) or draw(st.booleans()),
        range=range_,
        cuts=Cuts(
            windows=draw(st.just(WholeRange(range_)) | strategies.fixed_windows),
            at=draw(st.none() | strategies.instants),
            max_gaps=draw(
                st.dictionaries(
                    st.sampled_from(MeterType),
                    st.sampled_from([timedelta(), timedelta(seconds=60), DAY]),
                )
            ),
            constant=draw(st.booleans()),
            longest=draw(st.none() | st.sampled_from([timedelta(), timedelta(hours=1), DAY])),
        ),
    )


@pytest.mark.parametrize("readings", [1, folding.READINGS_FOR_A_PART])
def test_same_streams(driver: Driver, readings: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was recorded, sealed before or after, streams are those of the memory driver.

    Also where every day of several descriptions is kept by each of them.
    """
    monkeypatch.setattr(folding, "READINGS_FOR_A_PART", readings)

    @try_hard(driver)
    @given(
        strategies.histories() | tangled(),
        st.lists(cut_questions(), min_size=4, max_size=8),
        st.integers(0, 30),
        strategies.instants,
    )
    def check(batches: History, asked: list[StreamQuery], sealed_after: int, until: Any) -> None:
        memory = MemoryStorage()
        with driver.fresh() as storage:
            record_in_both(batches[:sealed_after], memory, storage)
            list(storage.seal(until))
            record_in_both(batches[sealed_after:], memory, storage)
            for query in asked:
                expected, found = (
                    sorted(
                        (one[0].subject.stream, uncut(list(one), query.cuts))
                        for one in store.streams(query)
                    )
                    for store in (memory, storage)
                )

                assert expected == found

    check()
