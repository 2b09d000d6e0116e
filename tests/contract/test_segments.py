"""Segments, by hand and at random: the same of every driver, sealed or not."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest
import strategies
from builders import NOON, after_noon, field_of, rounded, sample
from contract.asking import EVERYONE, keep
from contract.stores import Driver
from contract.test_against_memory import History, record_in_both, try_hard
from contract.test_streams import history, tangled
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from metering.cuts import Cuts
from metering.decimals import EXACT
from metering.errors import InvalidQuery
from metering.model import MeterType, Project, Sample
from metering.query import EVERYTHING, FIELDS, Comparison, Operator, StreamQuery, metadata_field
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage
from metering.times import EVER, LAST, Range, WholeRange
from metering.usage import quantities
from metering.usage.figures import Quality
from metering.usage.segments import Segment, SegmentQuery, sample_ids, segments

HOUR = timedelta(hours=1)
DAY = Range(NOON - 12 * HOUR, NOON + 12 * HOUR)
HALF = 12 * 3600

Keep = Callable[..., None]


@pytest.fixture(params=[False, True], ids=["as it is", "sealed"])
def kept(storage: Storage, request: pytest.FixtureRequest) -> Keep:
    """Records samples, and seals their days."""

    def kept(*told: Sample) -> None:
        keep(storage, *told)
        if request.param:
            list(storage.seal(NOON + 40 * 24 * HOUR))

    return kept


def ask(storage: Storage, *by: str, **more: Any) -> list[Segment]:
    """The segments of a day that is over, by metadata.flavor unless told otherwise."""
    fields = tuple(map(field_of, by or ["metadata.flavor"]))
    asked = {"scope": EVERYONE, "by": fields, "now": LAST, "range": DAY, "max_gap": None}
    return segments(storage, SegmentQuery(**asked | more))


def are_provisional(found: Iterable[Segment]) -> list[bool]:
    """Of each segment whether later readings could still change it."""
    return [one.detail.quality is Quality.PROVISIONAL for one in found]


def told(found: list[Segment]) -> list[Any]:
    """Values, from when to when in seconds after NOON, and usage."""
    return [
        (
            one.values if len(one.values) > 1 else one.values[0],
            *((at - NOON).total_seconds() for span in one.spans for at in span),
            one.usage,
        )
        for one in found
    ]


def flavor(name: str | None, **more: Any) -> dict[str, Any]:
    """What is not as usual of a sample of a flavor, or of none."""
    return {"metadata": {} if name is None else {"flavor": name}} | more


SMALL, LARGE, OMITTED = flavor("small"), flavor("large"), flavor(None)


def test_an_empty_store(storage: Storage) -> None:
    """Where there are no samples there is no segment."""
    assert ask(storage) == []


def test_back_and_forth(storage: Storage, kept: Keep) -> None:
    """A, B, A is three segments, or two if equal values are merged; ends are samples by id."""
    kept(*history((-HALF, 1, SMALL), (0, 2, LARGE), (3600, 1, SMALL), (7200, 1, SMALL)))

    found = ask(storage)
    assert [
        ("small", -HALF, 0, 12),
        ("large", 0, 3600, 2),
        ("small", 3600, HALF, 11),
    ] == told(found)
    assert [1, 2, 3] == [one.number for one in found]
    assert [(1, 1), (1, 2), (2, 2)] == [(one.count, one.sum) for one in found]
    ids = sample_ids(storage, found)
    assert [("s0", "s0"), ("s1", "s1"), ("s2", "s3")] == [
        (ids[one.first][0], ids[one.last][1]) for one in found if one.first and one.last
    ]

    merged = ask(storage, merges=True)
    assert [("small", -HALF, 0, 3600, HALF, 23), ("large", 0, 3600, 2)] == told(merged)
    assert [1, 2] == [one.number for one in merged]
    assert merged[0].detail.unit_seconds == 23 * 3600
    ids = sample_ids(storage, merged)
    assert [("s0", "s3"), ("s1", "s1")] == [
        (ids[one.first][0], ids[one.last][1]) for one in merged if one.first and one.last
    ]


def test_what_is_merged_can_still_come_again(storage: Storage, kept: Keep) -> None:
    """Of a range that is not over; a segment by itself is final as soon as another follows."""
    kept(*history((-HALF, 1, SMALL), (0, 2, LARGE), (3600, 1, SMALL)))

    def provisional(**more: Any) -> list[bool]:
        return are_provisional(ask(storage, **more))

    assert provisional(merges=True) == [False, False]
    assert provisional(merges=True, now=after_noon(7200)) == [True, True]
    assert provisional(now=after_noon(7200)) == [False, False, True]


@pytest.mark.parametrize("kind", [MeterType.GAUGE, MeterType.CUMULATIVE])
def test_what_follows_must_have_come(storage: Storage, kept: Keep, kind: MeterType) -> None:
    """A clock may be ahead: until the instant of its reading comes, earlier ones may, too."""
    typed = {"type": kind}
    kept(*history((0, 1, SMALL | typed), (60, 2, LARGE | typed), (HALF, 3, SMALL | typed)))

    def provisional(seconds: float) -> list[bool]:
        return are_provisional(ask(storage, now=after_noon(seconds)))

    assert provisional(59) == [True, True]
    assert provisional(60) == [False, True]
    assert provisional(HALF) == [False, False]


def test_a_merged_counter_is_final_with_its_stream(storage: Storage, kept: Keep) -> None:
    """When it was read at the end of the range or later; a segment by itself before."""
    counted = {"type": MeterType.CUMULATIVE}
    kept(*history((-HALF, 1, SMALL | counted), (0, 2, LARGE | counted)))

    def provisional(**more: Any) -> list[bool]:
        return are_provisional(ask(storage, **more))

    assert provisional(merges=True) == [True, True]
    assert provisional() == [False, True]

    keep(storage, sample(id="later", timestamp=DAY.end, volume=3, **counted))
    assert provisional(merges=True) == provisional() == [False, False]


def test_a_key_that_pollers_omit(storage: Storage, kept: Keep) -> None:
    """It has its last value, also from before the range; `absent=null` divides there."""
    day_before, three_before = -HALF - 24 * 3600, -HALF - 72 * 3600
    kept(
        *history(
            (three_before, 1, SMALL),
            (day_before, 1, LARGE),
            (day_before + 60, 1, OMITTED),
            (0, 1, OMITTED),
            (3600, 1, SMALL),
            (7200, 1, OMITTED),
        )
    )

    assert [("large", -HALF, 3600, 13), ("small", 3600, HALF, 11)] == told(ask(storage))
    assert [
        (None, -HALF, 3600, 13),
        ("small", 3600, 7200, 1),
        (None, 7200, HALF, 10),
    ] == told(ask(storage, carries=False))


def test_no_owner_is_carried(storage: Storage, kept: Keep) -> None:
    """What is nobody's is not the last owner's, whether that was before the range or in it."""
    nobody = {"project_id": None, "user_id": None}
    day_before = -HALF - 24 * 3600
    kept(
        *history(
            (day_before, 1, SMALL),
            (day_before + 60, 1, OMITTED | nobody),
            (0, 1, SMALL),
            (3600, 1, OMITTED | nobody),
        )
    )
    owned, not_owned = ("p-1", "u-1", "small"), (None, None, "small")

    assert [(not_owned, -HALF, 0, 12), (owned, 0, 3600, 1), (not_owned, 3600, HALF, 11)] == told(
        ask(storage, "project_id", "user_id", "metadata.flavor")
    )


def test_each_field_is_carried_by_itself(storage: Storage, kept: Keep) -> None:
    """Of two fields one may be from long ago, one from the description before."""
    day_before = -HALF - 24 * 3600
    kept(
        *history(
            (day_before, 1, {"metadata": {"flavor": "small", "image": "old"}}),
            (day_before + 60, 1, {"metadata": {"image": "new"}}),
            (day_before + 120, 1, {"metadata": {}}),
            (0, 1, {"metadata": {"flavor": "large"}}),
        )
    )

    assert [(("small", "new"), -HALF, 0, 12), (("large", "new"), 0, HALF, 12)] == told(
        ask(storage, "metadata.flavor", "metadata.image")
    )


def test_a_tie_before_the_range(storage: Storage, kept: Keep) -> None:
    """Of two descriptions at one instant the one with the larger volume is the later."""
    at = -HALF - 3600
    kept(*history((at, 1, LARGE), (at, 2, SMALL), (at + 60, 1, OMITTED), (0, 1, OMITTED)))
    assert [("small", -HALF, HALF, 24)] == told(ask(storage))


def test_another_tie_before_the_range(storage: Storage, kept: Keep) -> None:
    """The other way round."""
    at = -HALF - 3600
    kept(*history((at, 2, LARGE), (at, 1, SMALL), (at + 60, 1, OMITTED), (0, 1, OMITTED)))
    assert [("large", -HALF, HALF, 24)] == told(ask(storage))


def test_a_gauge_is_resized_at_noon(storage: Storage, kept: Keep) -> None:
    """10 GB for half a day, then 30; what is carried in begins with the range."""
    kept(*history((-HALF - 600, 10, SMALL), (-600, 10, SMALL), (0, 30, LARGE)))

    found = ask(storage)
    assert [("small", -HALF, 0, 120), ("large", 0, HALF, 360)] == told(found)
    assert [one.detail.unit for one in found] == ["core-Hours", "core-Hours"]
    assert are_provisional(found) == [False, False]
    assert [one.detail.observed_seconds for one in found] == [HALF, HALF]


def test_a_gauge_that_goes_silent(storage: Storage, kept: Keep) -> None:
    """A gap is not billed and does not divide; only the last segment ends with patience."""
    kept(*history((-HALF - 7200, 9, SMALL), (-7200, 1, SMALL), (0, 1, SMALL), (7200, 2, LARGE)))

    assert [("small", -7200, 7200, 2), ("large", 7200, 10800, 2)] == told(
        ask(storage, max_gap=HOUR)
    )
    at = after_noon(9000)
    (_, last) = ask(storage, max_gap=HOUR, now=at)
    assert last.spans[-1].end == at
    assert last.detail.quality is Quality.PROVISIONAL


def counter(name: str | None) -> dict[str, Any]:
    """A counter of bytes, of a flavor."""
    return flavor(name, type=MeterType.CUMULATIVE, unit="B")


def test_a_counter_is_resized_at_noon(storage: Storage, kept: Keep) -> None:
    """What is counted up to the next reading is the earlier flavor's; boundaries are prorated."""
    kept(
        *history(
            (-HALF - 3600, 100, counter("small")),
            (-HALF + 3600, 300, counter("small")),
            (0, 1000, counter("large")),
            (HALF - 1800, 1600, counter("large")),
            (HALF + 1800, 10, counter("large")),
        )
    )

    found = ask(storage, max_gap=HOUR)
    assert [("small", -HALF, 0, 800), ("large", 0, HALF, 605)] == told(found)
    assert [(700, 100), (600, 5)] == [
        (one.detail.measured, one.detail.interpolated) for one in found
    ]
    assert [one.detail.unit for one in found] == ["B", "B"]
    assert are_provisional(found) == [False, False]


def test_a_counter_between_two_readings(storage: Storage, kept: Keep) -> None:
    """A range without a reading, but with a part of an interval, however long that is."""
    kept(*history((-10 * HALF, 0, counter("small")), (10 * HALF, 20, counter("large"))))

    (found,) = ask(storage, max_gap=HOUR)
    assert told([found]) == [("small", -HALF, HALF, 2)]
    assert (found.count, found.sum, found.min, found.max) == (0, 0, None, None)
    assert (found.first, found.last) == (None, None)


def test_a_counter_that_begins(storage: Storage, kept: Keep) -> None:
    """Its first reading is the baseline, or counts; after the last nothing is known."""
    kept(*history((0, 7, counter("small")), (60, 9, counter("small"))))

    (found,) = ask(storage, max_gap=HOUR)
    assert told([found]) == [("small", 0, 3660, 2)]
    assert found.detail.quality is Quality.PROVISIONAL
    assert told(ask(storage, max_gap=HOUR, first_counts=True)) == [("small", 0, 3660, 9)]


def test_deltas_count_at_their_instants(storage: Storage, kept: Keep) -> None:
    """Nothing is carried in but the value of a key that is left out."""
    kept(
        *history(
            (-HALF - 60, 5, flavor("small", type=MeterType.DELTA)),
            (-HALF + 60, 1, flavor(None, type=MeterType.DELTA)),
            (0, 2, flavor("large", type=MeterType.DELTA)),
            (60, 4, flavor("large", type=MeterType.DELTA)),
        )
    )

    found = ask(storage, max_gap=HOUR)
    assert [("small", 60 - HALF, 0, 1), ("large", 0, 3660, 6)] == told(found)
    assert are_provisional(found) == [False, False]
    assert all(are_provisional(ask(storage, max_gap=HOUR, now=DAY.end)))
    early = ask(storage, max_gap=HOUR, now=after_noon(100))
    assert told(early)[-1] == ("large", 0, 100, 6)
    assert all(are_provisional(early))


def test_a_resource_changes_hands(storage: Storage, kept: Keep) -> None:
    """The old owner's last segment ends with the first reading of the next; each sees its own."""
    mine, theirs = {"project_id": "p-1"}, {"project_id": "p-2"}
    kept(
        *history(
            (-HALF, 1, flavor("small", **mine)),
            (0, 1, flavor("large", **theirs)),
            (3600, 1, flavor(None, **theirs)),
            (7200, 1, flavor(None, **mine)),
        )
    )

    assert [("p-1", -HALF, 0, 12), ("p-2", 0, 7200, 2), ("p-1", 7200, HALF, 10)] == told(
        ask(storage, "project_id")
    )
    # What is carried on is what oneself may see.
    assert [("small", -HALF, 0, 12), ("small", 7200, HALF, 10)] == told(
        ask(storage, scope=Project("p-1"))
    )
    assert [("large", 0, 7200, 2)] == told(ask(storage, scope=Project("p-2")))
    # Everybody's is carried on for an administrator, also if a project was asked for.
    of_mine = Comparison(FIELDS["project_id"], Operator.EQ, "p-1")
    assert [("small", -HALF, 0, 12), ("large", 7200, HALF, 10)] == told(
        ask(storage, filter=of_mine)
    )


def test_nothing_is_carried_in_from_others(storage: Storage, kept: Keep) -> None:
    """What a resource was at its last owner's is told to an administrator only."""
    mine, theirs = {"project_id": "p-1"}, {"project_id": "p-2"}
    before = -HALF - 3600
    kept(
        *history(
            (before - 60, 1, flavor("small", **mine)),
            (before, 1, flavor("large", **theirs)),
            (before + 60, 1, flavor(None, **mine)),
            (0, 1, flavor(None, **theirs)),
        )
    )

    assert [("small", -HALF, 0, 12)] == told(ask(storage, scope=Project("p-1")))
    assert [("large", 0, HALF, 12)] == told(ask(storage, scope=Project("p-2")))
    assert [("large", -HALF, HALF, 24)] == told(ask(storage))


def test_nothing_is_carried_in_at_all(storage: Storage, kept: Keep) -> None:
    """Where only others had a value there is none."""
    kept(
        *history(
            (-HALF - 60, 1, flavor("large", project_id="p-2")),
            (0, 1, flavor(None, project_id="p-1")),
        )
    )

    assert [(None, 0, HALF, 12)] == told(ask(storage, scope=Project("p-1")))
    assert [("large", -HALF, HALF, 24)] == told(ask(storage))


def test_what_does_not_match_ends_a_segment(storage: Storage, kept: Keep) -> None:
    """A, something else, A is two segments, although the values are equal."""
    other = {"metadata": {"flavor": "small", "state": "off"}}
    kept(*history((-HALF, 1, SMALL), (0, 1, other), (3600, 1, SMALL)))
    running = Comparison(metadata_field("state"), Operator.NE, "off")

    assert [("small", -HALF, HALF, 24)] == told(ask(storage))
    assert [("small", -HALF, 0, 12), ("small", 3600, HALF, 11)] == told(
        ask(storage, filter=running)
    )
    of_nobody = Comparison(FIELDS["resource_id"], Operator.EQ, "vm-2")
    assert ask(storage, filter=of_nobody) == []


def test_a_late_sample_divides(storage: Storage, kept: Keep) -> None:
    """And a later one of the same values goes on with the rest."""
    kept(*history((-HALF, 1, SMALL), (3600, 1, SMALL)))
    assert len(ask(storage)) == 1
    late = history((0, 3, LARGE), (1800, 1, LARGE), (9, 9, OMITTED))
    keep(storage, *[structs.replace(one, id=f"late-{one.id}") for one in late])

    assert [
        ("small", -HALF, 0, 12),
        ("large", 0, 3600, rounded(Fraction(3 * 9 + 9 * 1791 + 1 * 1800, 3600))),
        ("small", 3600, HALF, 11),
    ] == told(ask(storage))


def test_readings_of_one_instant(storage: Storage, kept: Keep) -> None:
    """Segments without length are told as well: their samples count."""
    kept(*history((0, 1, SMALL), (0, 2, LARGE), (0, 3, SMALL), (0, 3, SMALL)))

    found = ask(storage)
    assert [("small", 0, 0, 0), ("large", 0, 0, 0), ("small", 0, HALF, 36)] == told(found)
    assert [1, 1, 2] == [one.count for one in found]
    ids = sample_ids(storage, found)
    assert [("s0", "s0"), ("s1", "s1"), ("s2", "s3")] == [
        (ids[one.first][0], ids[one.last][1]) for one in found if one.first and one.last
    ]


def test_numbers_count_for_each_resource(storage: Storage, kept: Keep) -> None:
    """In time over its streams; rows stand stream by stream."""
    kept(
        *history(
            (0, 1, SMALL),
            (60, 1, LARGE),
            (30, 1, SMALL | {"source": "a"}),
            (0, 1, SMALL | {"resource_id": "vm-0"}),
        )
    )

    assert [
        ("vm-0", "openstack", 1),
        ("vm-1", "a", 2),
        ("vm-1", "openstack", 1),
        ("vm-1", "openstack", 3),
    ] == [(one.stream.resource_id, one.stream.source, one.number) for one in ask(storage)]


@pytest.mark.parametrize("name", ["id", "volume", "timestamp", "recorded_at"])
def test_single_samples_cannot_be_asked_of(storage: Storage, name: str) -> None:
    """Intervals have no id."""
    with pytest.raises(InvalidQuery) as caught:
        ask(storage, filter=Comparison(FIELDS[name], Operator.NE, "x"))
    assert caught.value.field == name


questions = st.builds(
    lambda range_, by, now, gap, flags, scope: SegmentQuery(
        scope=scope,
        by=tuple(map(field_of, by)),
        now=now,
        range=range_,
        max_gap=gap,
        first_counts=flags[0],
        carries=flags[1],
        merges=flags[2],
    ),
    strategies.ranges,
    st.lists(st.sampled_from(["metadata.a", "project_id", "metadata.b"]), min_size=1, unique=True),
    strategies.instants,
    st.sampled_from([None, timedelta(seconds=60), 24 * HOUR]),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    strategies.scopes,
)


def quantities_of(storage: Storage, asked: SegmentQuery) -> dict[Any, list[Any]]:
    """Of each stream what the range has: count, sum, increase, resets, unit- and seconds."""
    rules = asked.rules
    max_gaps = {} if asked.max_gap is None else {MeterType.GAUGE: asked.max_gap}
    cuts = Cuts(windows=WholeRange(asked.range), at=asked.now, max_gaps=max_gaps)
    query = StreamQuery(scope=asked.scope, range=asked.range, cuts=cuts)
    sums: dict[Any, list[Any]] = {}
    with localcontext(EXACT):
        for stretches in storage.streams(query):
            for stretch in stretches:
                kind = stretch.subject.type
                for way in (quantities.readings, quantities.increase, quantities.holding):
                    if way is quantities.increase and kind is not MeterType.CUMULATIVE:
                        continue
                    if way is quantities.holding and kind is not MeterType.GAUGE:
                        continue
                    for one in way(stretch, rules):
                        sum_ = sums.setdefault(stretch.subject.stream, [0, Decimal(0), 0, 0, 0, 0])
                        if one.summary:
                            sum_[0] += one.summary.count
                            sum_[1] += one.summary.sum
                        sum_[2] += one.measured + one.interpolated
                        sum_[3] += one.resets
                        sum_[4] += one.unit_seconds
                        sum_[5] += one.observed_seconds
    return sums


def sums_of(found: list[Segment]) -> dict[Any, list[Any]]:
    """The same of segments, by adding up what they tell."""
    sums: dict[Any, list[Any]] = {}
    with localcontext(EXACT):
        for one in found:
            sum_ = sums.setdefault(one.stream, [0, Decimal(0), 0, 0, 0, 0])
            sum_[0] += one.count
            sum_[1] += one.sum
            sum_[2] += (one.detail.measured or 0) + (one.detail.interpolated or 0)
            sum_[3] += one.detail.resets or 0
            sum_[4] += one.detail.unit_seconds or 0
            sum_[5] += one.detail.observed_seconds or 0
    return sums


def check_shape(found: list[Segment], asked: SegmentQuery) -> None:
    """Spans lie in the range and do not overlap; of successive ones the values differ."""
    begun: dict[Any, tuple[datetime, Any]] = {}
    for one in found:
        for span in one.spans:
            assert span.start <= span.end
            assert span.start in asked.range
            assert asked.range.end is None or span.end <= asked.range.end
        if not asked.merges:
            end, values = begun.get(one.stream, (one.spans[0].start, None))
            assert end <= one.spans[0].start
            assert asked.scope != EVERYONE or values != one.values
            assert asked.scope != EVERYONE or end == one.spans[0].start
            begun[one.stream] = one.spans[-1].end, one.values
        usage = one.usage
        match one.stream.type:
            case MeterType.DELTA:
                assert usage == one.sum
            case MeterType.CUMULATIVE:
                assert usage == (one.detail.measured or 0) + (one.detail.interpolated or 0)
            case MeterType.GAUGE:
                assert usage == rounded(Fraction(one.detail.unit_seconds or 0) / 3600)


def test_segments_add_up(driver: Driver) -> None:
    """Whatever the history, the cut and the fields: to the range, and as of the memory driver."""

    @try_hard(driver)
    @given(
        tangled(), st.lists(questions, min_size=3, max_size=6), st.integers(0, 30),
        strategies.instants,
    )  # fmt: skip
    def check(
        batches: History, asked: list[SegmentQuery], sealed_after: int, until: datetime
    ) -> None:
        memory = MemoryStorage()
        with driver.fresh() as storage:
            record_in_both(batches[:sealed_after], memory, storage)
            list(storage.seal(until))
            record_in_both(batches[sealed_after:], memory, storage)
            for query in asked:
                found = segments(storage, query)

                assert found == segments(memory, query)
                assert sums_of(found) == quantities_of(memory, query)
                check_shape(found, query)
                ids = sample_ids(storage, found)
                assert ids == sample_ids(memory, found)
                assert ids.keys() == {
                    end for one in found for end in (one.first, one.last) if end is not None
                }

    check()


def test_a_carried_value_is_that_of_all_time(driver: Driver) -> None:
    """Where a range begins makes no difference to the values in it."""

    @try_hard(driver)
    @given(tangled(), strategies.instants, strategies.scopes)
    def check(batches: History, start: datetime, scope: Any) -> None:
        memory = MemoryStorage()
        with driver.fresh() as storage:
            record_in_both(batches, memory, storage)

            def of_ends(range_: Range) -> set[Any]:
                asked = SegmentQuery(
                    scope=scope,
                    by=(metadata_field("a"), FIELDS["project_id"]),
                    now=LAST,
                    range=range_,
                    filter=EVERYTHING,
                )
                return {
                    (one.values, end)
                    for one in segments(storage, asked)
                    for end in (one.last,)
                    if end and end.reading.at in Range(start, None)
                }

            assert of_ends(EVER) == of_ends(Range(start, None))

    check()
