"""`Storage.samples`: what comes back, in which order, and page by page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise

import pytest
from builders import MILLISECOND, NOON, after_noon, sample
from contract.asking import EVERYONE, ids, keep, samples

from metering.model import MeterType, Project, Sample
from metering.query import FIELDS, Comparison, Operator, Position, SampleQuery
from metering.storage.base import Storage
from metering.times import Range

VOLUMES = [
    "0",
    "-0.000000000000000000000000001",
    "0.1",
    "1E-27",
    "100000000000000000000000000",
    "999999999999999999999999999",
    "-999999999999999999999999999",
    "9007199254740993",
    "1234567.890123456789012345678901234",
    "0.3333333333333333333333333",
]

INSTANTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1582, 10, 15, 0, 0, 0, 1000, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2015, 6, 1, 11, 59, 59, 999000, tzinfo=UTC),
    datetime(2015, 6, 1, 12, 0, 0, 1000, tzinfo=UTC),
    datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 998000, tzinfo=UTC),
]

TREES = [
    {},
    {"a": None, "b": True, "c": 1, "d": Decimal("1.10"), "e": "1", "f": [], "g": {}},
    {"a.b": {"c.d": 1}, "$set": {"$inc": 1}, "": {"": ""}, "_id": "x", "0": [[1], {"k": None}]},
    {"ключ": "значение", "emoji": "🙂", "quotes": "'\"\\", "line": "a\nb\tc", "nul": "\\0"},
    {"big": 2**63, "huge": 10**40, "fine": Decimal("0.1234567890123456789012345678901234567")},
]

TEXTS = ["", " ", "a b", "é", "e\u0301", "'; DROP TABLE samples; --", "%_*", "🙂", "a/b?c=d", "$id"]


def test_empty_store(storage: Storage) -> None:
    """A store that keeps nothing has no samples."""
    assert samples(storage) == []


def test_every_field_comes_back(storage: Storage) -> None:
    """A sample is returned as it was sent, in every field."""
    sent = sample(
        source="p-1:s",
        meter="disk.read.bytes",
        type=MeterType.CUMULATIVE,
        unit="B",
        resource_id="vm/1",
        project_id="p-1",
        user_id="u-1",
        metadata={"flavor": {"name": "m1.tiny", "vcpus": 1}},
        id="urn:1",
        timestamp=after_noon(0.123),
        volume="-12.5",
        recorded_at=after_noon(7.007),
    )
    keep(storage, sent)

    assert [sent] == samples(storage)


@pytest.mark.parametrize("kind", MeterType)
def test_type_comes_back(storage: Storage, kind: MeterType) -> None:
    """The type is one of the enumeration again."""
    keep(storage, sample(type=kind))

    assert [kind] == [one.series.type for one in samples(storage)]
    assert all(isinstance(one.series.type, MeterType) for one in samples(storage))


def test_absent_owners_come_back(storage: Storage) -> None:
    """No project is None and the empty project is empty; users alike."""
    pairs = {(None, None), (None, ""), ("", None), ("", "")}
    keep(
        storage,
        *(
            sample(id=f"{project!r}{user!r}", project_id=project, user_id=user)
            for project, user in pairs
        ),
    )

    assert pairs == {(one.series.project_id, one.series.user_id) for one in samples(storage)}


def test_texts_come_back(storage: Storage) -> None:
    """Names of all kinds are kept character for character, and are different names."""
    sent = {
        sample(source=text, meter=text, unit=text, resource_id=text, project_id=text, user_id=text)
        for text in TEXTS
    } | {sample(id=text, source="ids") for text in TEXTS}
    keep(storage, *sent)

    assert sent == set(samples(storage))


def test_volumes_come_back_exactly(storage: Storage) -> None:
    """Volumes are decimals of up to 34 digits and 27 places, and none is rounded."""
    keep(storage, *(sample(id=text, volume=text) for text in VOLUMES))

    assert {text: Decimal(text) for text in VOLUMES} == {
        one.id: one.volume for one in samples(storage)
    }
    assert all(isinstance(one.volume, Decimal) for one in samples(storage))


def test_every_millisecond_comes_back_exactly(storage: Storage) -> None:
    """The thousand milliseconds of a second stay apart and in order."""
    instants = [NOON + number * MILLISECOND for number in range(1000)]
    keep(storage, *(sample(id=str(at), timestamp=at, recorded_at=at) for at in instants))

    assert instants[::-1] == [one.timestamp for one in samples(storage)]
    assert instants[::-1] == [one.recorded_at for one in samples(storage)]


def test_far_instants_come_back_exactly(storage: Storage) -> None:
    """Instants from the year 1 to 9999 are kept to the millisecond, in UTC."""
    keep(storage, *(sample(id=str(at), timestamp=at, recorded_at=at) for at in INSTANTS))

    found = samples(storage)

    assert INSTANTS[::-1] == [one.timestamp for one in found]
    assert INSTANTS[::-1] == [one.recorded_at for one in found]
    assert {timedelta(0)} == {one.timestamp.utcoffset() for one in found}


def test_metadata_comes_back_exactly(storage: Storage) -> None:
    """Keys with dots, dollars or nothing in them, and values of all types, are kept literally."""
    sent = {str(number): sample(id=str(number), metadata=tree) for number, tree in enumerate(TREES)}
    keep(storage, *sent.values())

    found = {one.id: one for one in samples(storage)}

    assert sent == found
    assert {key: one.series.metadata.text for key, one in sent.items()} == {
        key: one.series.metadata.text for key, one in found.items()
    }


def test_newest_first(storage: Storage) -> None:
    """Samples come by timestamp descending, whatever series they are of."""
    for number, seconds in enumerate((3, 1, 4, 1.001, 5, 9, 2, 6)):
        changes = {"resource_id": f"vm-{number % 3}", "source": f"source-{number % 2}"}
        keep(storage, sample(id=f"{seconds:05}", timestamp=after_noon(seconds), **changes))

    assert sorted(ids(storage), key=float, reverse=True) == ids(storage)


def tied(storage: Storage, count: int = 12) -> list[Sample]:
    """Keep samples of one instant, of several series and sources; in the order of the answer."""
    several = [
        sample(id=f"s-{n}", source=f"source-{n % 2}", resource_id=f"vm-{n % 3}", volume=n % 4)
        for n in range(count)
    ]
    keep(storage, *several)
    return sorted(several, key=lambda one: one.key, reverse=True)


def test_ties_come_by_key(storage: Storage) -> None:
    """Samples of one instant come by key descending."""
    expected = tied(storage)

    assert expected == samples(storage)


def position(one: Sample) -> Position:
    """The place just after a sample."""
    return Position(one.timestamp, one.key)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_pages_neither_repeat_nor_skip(storage: Storage, size: int) -> None:
    """Pages of any size, put together, are the whole list, also where timestamps are equal."""
    tied(storage)
    keep(storage, *(sample(id=f"t-{n}", timestamp=after_noon(n % 2)) for n in range(-3, 4)))
    whole = samples(storage)

    paged: list[Sample] = []
    for _ in range(len(whole) // size + 1):
        after = position(paged[-1]) if paged else None
        paged += islice(storage.samples(SampleQuery(scope=EVERYONE, after=after)), size)

    assert whole == paged


def test_pages_of_very_many_ties(storage: Storage) -> None:
    """Also where no page has all samples of an instant, or of a part of one."""
    expected = tied(storage, 2_000)

    paged: list[Sample] = []
    for number in range(7):
        after = position(paged[-1]) if paged else None
        paged += islice(storage.samples(SampleQuery(scope=EVERYONE, after=after)), 300)
        assert expected[: 300 * (number + 1)] == paged


def test_every_position_continues_just_after(storage: Storage) -> None:
    """After each of the samples come exactly those that follow it."""
    expected = tied(storage)

    for number, one in enumerate(expected, 1):
        assert expected[number:] == samples(storage, after=position(one))


def test_page_goes_on_though_samples_arrived(storage: Storage) -> None:
    """What arrives before the position is not seen, what arrives behind it is."""
    keep(storage, *(sample(id=str(n), timestamp=after_noon(n)) for n in (1, 2, 3, 4)))
    mark = position(samples(storage)[1])
    keep(storage, *(sample(id=str(n), timestamp=after_noon(n)) for n in (3.5, 2.5, 0, 9)))

    assert ids(storage, after=mark) == ["2.5", "2", "1", "0"]


def test_page_goes_on_though_ties_arrived(storage: Storage) -> None:
    """Also among samples of one instant, only what is behind the position is seen."""
    expected = sorted((sample(id=f"s-{n}") for n in range(20)), key=lambda one: one.key)[::-1]
    keep(storage, *expected[::2])
    mark = position(expected[10])
    keep(storage, *expected[1::2])

    assert expected[11:] == samples(storage, after=mark)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param(b"\0" * 16, ["old"], id="below-all-keys"),
        pytest.param(b"\xff" * 16, ["tie", "old"], id="above-all-keys"),
        pytest.param(b"", ["old"], id="empty"),
        pytest.param(b"\xff", ["tie", "old"], id="short"),
        pytest.param(b"\xff" * 17, ["tie", "old"], id="too-long"),
    ],
)
def test_position_need_not_be_a_sample(storage: Storage, key: bytes, expected: list) -> None:
    """A position is a place in the order, whether or not a sample stands there."""
    keep(storage, sample(id="new", timestamp=after_noon(1)), sample(id="tie"))
    keep(storage, sample(id="old", timestamp=after_noon(-1)))

    assert expected == ids(storage, after=Position(NOON, key))


def test_position_before_and_behind_everything(storage: Storage) -> None:
    """A position newer than all samples leaves all, an older one none."""
    keep(storage, sample())

    assert ids(storage, after=Position(after_noon(1), b"\0" * 16)) == ["s-1"]
    assert ids(storage, after=Position(after_noon(-1), b"\xff" * 16)) == []


def test_position_with_range_scope_and_filter(storage: Storage) -> None:
    """A position narrows a question like any other part of it."""
    expected = [one for one in tied(storage, 24) if one.series.resource_id == "vm-1"]
    keep(storage, sample(id="out", resource_id="vm-1", timestamp=after_noon(1)))
    asked = Comparison(FIELDS["resource_id"], Operator.EQ, "vm-1")
    rest = {"filter": asked, "range": Range(NOON, after_noon(1)), "scope": Project("p-1")}

    assert expected == samples(storage, **rest)
    for earlier, one in pairwise(expected):
        assert one == samples(storage, after=position(earlier), **rest)[0]


def test_position_with_an_id(storage: Storage) -> None:
    """A question for one id has pages as well: each source may have such a sample."""
    keep(storage, *(sample(source=f"source-{n}", timestamp=after_noon(n % 3)) for n in range(9)))
    asked = Comparison(FIELDS["id"], Operator.EQ, "s-1")
    whole = samples(storage)

    for number, one in enumerate(whole, 1):
        assert whole[number:] == samples(storage, filter=asked, after=position(one))


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        pytest.param(Range(), [3, 2, 1, 0], id="ever"),
        pytest.param(Range(after_noon(1), None), [3, 2, 1], id="start-is-inside"),
        pytest.param(Range(None, after_noon(2)), [1, 0], id="end-is-outside"),
        pytest.param(Range(after_noon(1), after_noon(3)), [2, 1], id="both"),
        pytest.param(Range(after_noon(1.001), after_noon(2.001)), [2], id="millisecond-later"),
        pytest.param(Range(after_noon(0.999), after_noon(1.999)), [1], id="millisecond-earlier"),
        pytest.param(Range(after_noon(1), after_noon(1.001)), [1], id="one-millisecond"),
        pytest.param(Range(after_noon(1), after_noon(1)), [], id="empty"),
        pytest.param(Range(after_noon(3), after_noon(1)), [], id="backwards"),
        pytest.param(Range(after_noon(4), None), [], id="too-late"),
    ],
)
def test_range_is_half_open(storage: Storage, range_: Range, expected: list) -> None:
    """Samples at start are inside a range, samples at end are not, to the millisecond."""
    keep(storage, *(sample(id=str(n), timestamp=after_noon(n)) for n in range(4)))

    assert [str(number) for number in expected] == ids(storage, range=range_)


def test_neighbouring_ranges_share_nothing(storage: Storage) -> None:
    """Cut anywhere, the two halves of time together have every sample once."""
    instants = [after_noon(n) for n in (0, 0.001, 0.499, 0.5, 0.501, 0.999, 1)]
    keep(storage, *(sample(id=str(at), timestamp=at) for at in instants))

    for cut in instants:
        halves = ids(storage, range=Range(cut, None)) + ids(storage, range=Range(None, cut))
        assert ids(storage) == halves


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        pytest.param(Project("p-1"), {"p-1"}, id="own"),
        pytest.param(Project("P-1"), set(), id="case"),
        pytest.param(Project(""), {""}, id="empty"),
        pytest.param(Project("None"), set(), id="the-word-none"),
        pytest.param(EVERYONE, {"p-1", "p-2", "", None}, id="all"),
    ],
)
def test_scope(storage: Storage, scope: Project, expected: set) -> None:
    """A project sees its own samples only; who may see all sees also those of no project."""
    keep(storage, *(sample(id=f"of {p!r}", project_id=p) for p in ("p-1", "p-2", "", None)))

    assert expected == {one.series.project_id for one in samples(storage, scope=scope)}


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(Comparison(FIELDS["project_id"], Operator.EQ, "p-2"), id="project"),
        pytest.param(Comparison(FIELDS["project_id"], Operator.NE, "p-1"), id="not-own"),
        pytest.param(Comparison(FIELDS["id"], Operator.EQ, "theirs"), id="id"),
    ],
)
def test_no_filter_widens_the_scope(storage: Storage, asked: Comparison) -> None:
    """A foreign sample is not found by its project, nor by its id."""
    keep(storage, sample(id="ours"), sample(id="theirs", project_id="p-2"))

    assert ids(storage, scope=Project("p-1"), filter=asked) == []
    assert ids(storage, filter=asked) == ["theirs"]


def test_position_of_a_foreign_sample(storage: Storage) -> None:
    """A position says nothing of who may see the sample that stands there."""
    keep(storage, *(sample(id=str(n), timestamp=after_noon(n)) for n in (1, 3)))
    theirs = sample(id="2", timestamp=after_noon(2), project_id="p-2")
    keep(storage, theirs)

    assert ids(storage, scope=Project("p-1"), after=position(theirs)) == ["1"]


def test_nothing_is_read_before_it_is_asked_for(storage: Storage) -> None:
    """Iterators are lazy: an answer is made when its first item is taken, not before."""
    found = storage.samples(SampleQuery(scope=EVERYONE))
    keep(storage, sample())

    assert sample() == next(found)


def test_closed_iterator_gives_nothing(storage: Storage) -> None:
    """An iterator may be closed early, and is then at its end."""
    keep(storage, *(sample(id=f"s-{n}") for n in range(3)))
    found = storage.samples(SampleQuery(scope=EVERYONE))
    next(found)
    found.close()

    assert list(found) == []


def test_closing_early_frees_what_was_held(storage: Storage) -> None:
    """Many answers begun and left keep nobody from reading or recording."""
    keep(storage, *(sample(id=f"s-{n}") for n in range(600)))
    for _ in range(60):
        found = storage.samples(SampleQuery(scope=EVERYONE))
        next(found)
        found.close()
    keep(storage, sample(id="new"))

    assert len(ids(storage)) == 601


def test_answers_can_be_read_side_by_side(storage: Storage) -> None:
    """Two iterators of one store do not disturb each other."""
    keep(storage, *(sample(id=f"s-{n}", timestamp=after_noon(n)) for n in range(1200)))
    one, other = (storage.samples(SampleQuery(scope=EVERYONE)) for _ in range(2))

    assert (
        list(islice(one, 600)) + list(other) + list(one)
        == samples(storage)[:600] + samples(storage) + samples(storage)[600:]
    )


def test_recording_while_an_answer_is_read(storage: Storage) -> None:
    """An answer half read holds up no recording, and has each sample once and in order."""
    keep(storage, *(sample(id=f"s-{n}", timestamp=after_noon(n)) for n in range(1200)))
    before = samples(storage)
    found = storage.samples(SampleQuery(scope=EVERYONE))
    read = list(islice(found, 600))
    keep(storage, sample(id="new", timestamp=after_noon(0.5)))
    read += found

    assert before == [one for one in read if one.id != "new"]
    assert len(set(read)) == len(read)


def test_many_series_in_one_answer(storage: Storage) -> None:
    """The samples of a thousand series come in one order."""
    keep(
        storage,
        *(
            sample(id=f"s-{n}", resource_id=f"vm-{n}", timestamp=after_noon(n * 7919 % 1201))
            for n in range(1201)
        ),
    )
    found = samples(storage)

    assert [after_noon(n) for n in range(1200, -1, -1)] == [one.timestamp for one in found]
