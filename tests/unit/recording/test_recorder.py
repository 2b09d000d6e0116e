"""The write path: what is completed, checked, refused and told apart."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import MILLISECOND, NOON

from metering.errors import Conflict, Expired, InvalidSample
from metering.metadata import NO_METADATA, Metadata
from metering.model import AllProjects, MeterType, Outcome, Sample, Verdict
from metering.query import SampleQuery
from metering.recording import recorder as recorder_module
from metering.recording.checking import track_of
from metering.recording.drafts import Draft, Manner
from metering.recording.recorder import Recorder
from metering.retention import Horizons
from metering.storage.memory import MemoryStorage
from metering.times import EPOCH


@dataclass(frozen=True)
class Somebody:
    """Who writes."""

    project_id: str | None = None
    user_id: str | None = None
    is_admin: bool = True


ADMIN = Manner(author=Somebody())
MEMBER = Manner(author=Somebody("p-1", "u-1", is_admin=False))


def draft(**changes: Any) -> Draft:
    """A valid draft with nothing that may be left out."""
    values = {"meter": "cpu", "type": "gauge", "unit": "core", "volume": 1, "resource_id": "vm-1"}
    return Draft(**values | changes)


def each(*drafts: Draft | InvalidSample, manner: Manner = ADMIN) -> list[Any]:
    """What became of each draft, recorded at noon."""
    return Recorder(MemoryStorage(), lambda: NOON).record_each(drafts, manner)


def one(*, manner: Manner = ADMIN, **changes: Any) -> Sample:
    """The sample that a draft makes."""
    (verdict,) = each(draft(**changes), manner=manner)
    assert isinstance(verdict, Verdict), verdict
    return verdict.kept


def fault(*, manner: Manner = ADMIN, **changes: Any) -> InvalidSample:
    """Why a draft was refused."""
    (refused,) = each(draft(**changes), manner=manner)
    assert isinstance(refused, InvalidSample), refused
    return refused


def kept(storage: MemoryStorage) -> list[str]:
    """The ids in a store."""
    return sorted(sample.id for sample in storage.samples(SampleQuery(scope=AllProjects())))


def test_what_was_left_out_is_completed() -> None:
    """Time is now, the source openstack, and there are no owner and metadata."""
    sample = one()

    assert (NOON, NOON, "openstack", None, None, NO_METADATA) == (
        sample.timestamp,
        sample.recorded_at,
        sample.series.source,
        sample.series.project_id,
        sample.series.user_id,
        sample.series.metadata,
    )


def test_owner_is_the_caller() -> None:
    """Project and user are those of the caller, unless others were sent."""
    series = one(manner=MEMBER).series
    other = one(manner=MEMBER, user_id="u-2").series

    assert [("p-1", "u-1"), ("p-1", "u-2")] == [
        (found.project_id, found.user_id) for found in (series, other)
    ]


@pytest.mark.parametrize(
    ("author", "prefix", "source", "expected"),
    [
        (Somebody("p"), False, None, "openstack"),
        (Somebody("p"), False, "s", "s"),
        (Somebody("p"), True, "s", "p:s"),
        (Somebody(), True, None, "None:openstack"),
        (Somebody("p", is_admin=False), False, "s", "p:s"),
        (Somebody("p", is_admin=False), True, "s", "p:s"),
        (Somebody("a:b", is_admin=False), False, "c", "a%3Ab:c"),
        (Somebody("a", is_admin=False), False, "b:c", "a:b:c"),
        (Somebody("a%3Ab", is_admin=False), False, "c", "a%253Ab:c"),
        (Somebody("", is_admin=False), False, "", ":openstack"),
    ],
)
def test_source(author: Somebody, prefix: bool, source: str | None, expected: str) -> None:
    """The project stands before the source, told apart from it, but for an administrator."""
    manner = Manner(author=author, prefix_source=prefix)

    assert expected == one(manner=manner, source=source).series.source


def test_ids_are_random() -> None:
    """Without an id and a key each sample is another."""
    assert one().id != one().id


def test_ids_follow_from_a_key() -> None:
    """An id hashes project, key and place, and is the same in every process."""
    manner = Manner(author=Somebody("p-1"), idempotency_key="abc")

    first, second = (verdict.kept.id for verdict in each(draft(), draft(), manner=manner))
    again = one(manner=manner).id
    elsewhere = one(manner=Manner(author=Somebody("p-2"), idempotency_key="abc")).id
    assert (first, 3) == (again, len({first, second, elsewhere}))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"meter": None}, "meter"),
        ({"meter": ""}, "meter"),
        ({"type": None}, "type"),
        ({"type": "Gauge"}, "type"),
        ({"unit": None}, "unit"),
        ({"volume": None}, "volume"),
        ({"volume": "x"}, "volume"),
        ({"resource_id": None}, "resource_id"),
        ({"resource_id": ""}, "resource_id"),
        ({"resource_id": "x" * 256}, "resource_id"),
        ({"resource_id": "a\nb"}, "resource_id"),
        ({"resource_id": "a\x7f"}, "resource_id"),
        ({"resource_id": "\ud800"}, "resource_id"),
        ({"unit": "\0"}, "unit"),
        ({"id": ""}, "id"),
        ({"id": "\x85"}, "id"),
        ({"source": "\x1b"}, "source"),
        ({"user_id": "x" * 256}, "user_id"),
        ({"timestamp": ""}, "timestamp"),
        ({"timestamp": "x"}, "timestamp"),
    ],
)
def test_refused_field(changes: dict[str, Any], field: str) -> None:
    """A field that breaks a rule is named."""
    assert (field, "invalid_sample") == (fault(**changes).field, fault(**changes).code)


@pytest.mark.parametrize("unit", ["", "x" * 255, "🙂", "\u202e", "e\u0301"])
def test_any_other_text_is_kept(unit: str) -> None:
    """A unit may be empty, and text is never normalised."""
    assert unit == one(unit=unit).series.unit


def test_refusal_in_the_words_of_the_client() -> None:
    """A field has the name that the client gave it, and little of its value is repeated."""
    refused = fault(resource_id="x" * 300, names={"resource_id": "resource"})

    expected = "Invalid input for field/attribute resource. Value: '" + "x" * 100 + "'. "
    assert ("resource", f"{expected}longer than 255 characters") == (
        refused.field,
        refused.message,
    )


@pytest.mark.parametrize(
    ("instant", "allowed"),
    [
        (EPOCH, True),
        (EPOCH - MILLISECOND, False),
        (NOON + timedelta(days=1), True),
        (NOON + timedelta(days=1) + MILLISECOND, False),
    ],
)
def test_how_far_a_timestamp_may_be(instant: datetime, allowed: bool) -> None:
    """Samples are of 1970 and later, and at most a day ahead."""
    (result,) = each(draft(timestamp=instant.isoformat()))

    assert allowed == isinstance(result, Verdict)


@pytest.mark.parametrize("manner", [ADMIN, MEMBER])
def test_another_project(manner: Manner) -> None:
    """Only an administrator writes for another project."""
    (result,) = each(draft(project_id="p-2"), manner=manner)

    assert manner.author.is_admin == isinstance(result, Verdict)


def test_another_meter() -> None:
    """Where a meter was named, only it may be written."""
    refused = fault(manner=Manner(author=Somebody(), meter="disk"))

    assert ("meter", True) == (refused.field, "should be disk" in refused.message)


def test_each_has_its_verdict() -> None:
    """The verdicts come in the order of the drafts, refused ones among them."""
    unreadable = InvalidSample("unreadable")
    found = each(draft(id="a"), unreadable, draft(id="a"), draft(type="x"), draft(id="a", volume=2))

    assert [Outcome.STORED, unreadable, Outcome.DUPLICATE, Outcome.CONFLICT] == [
        one.outcome if isinstance(one, Verdict) else one for one in (*found[:3], found[4])
    ]
    assert "type" == found[3].field


def test_store_is_left_alone_where_nothing_is_valid() -> None:
    """If every draft is refused the store is not asked."""
    recorder = Recorder(None, lambda: NOON)  # type: ignore[arg-type] # must not be used

    assert [InvalidSample] == [type(one) for one in recorder.record_each([draft(type="x")], ADMIN)]


@pytest.mark.parametrize("field", ["timestamp", "project_id", "user_id", "metadata"])
def test_what_was_completed_is_not_compared(field: str) -> None:
    """A retry that leaves out what the first one sent is the same sample."""
    sent = {
        "timestamp": "2015-06-01T11:00:00",
        "project_id": "p-2",
        "user_id": "u-2",
        "metadata": Metadata.of({"a": 1}),
    }

    found = each(draft(id="a", **sent), draft(id="a", **sent | {field: None}))

    assert [Outcome.STORED, Outcome.DUPLICATE] == [one.outcome for one in found]


@pytest.mark.parametrize("metadata", [Metadata.of({}), Metadata.of({"a": "1"})])
def test_empty_metadata_are_metadata(metadata: Metadata) -> None:
    """Metadata that were sent are compared, empty ones too."""
    found = each(draft(id="a", metadata=Metadata.of({"a": 1})), draft(id="a", metadata=metadata))

    assert Outcome.CONFLICT == found[1].outcome


def test_all_are_answered_in_order() -> None:
    """Recording all or nothing says what is kept."""
    recorder = Recorder(MemoryStorage(), lambda: NOON)

    found = recorder.record_all([draft(id="b"), draft(id="a"), draft(id="b")], ADMIN)

    assert ["b", "a", "b"] == [verdict.kept.id for verdict in found]


def test_one_refusal_needs_no_place() -> None:
    """A body of one sample has its fault without a place."""
    with pytest.raises(InvalidSample) as caught:
        Recorder(MemoryStorage()).record_all([draft(volume="x")], ADMIN)

    assert ("volume must be a number, not 'x'", "volume") == (
        caught.value.message,
        caught.value.field,
    )


def test_every_refusal_is_named() -> None:
    """Of several samples every fault is told with its place, and nothing is stored."""
    storage = MemoryStorage()
    drafts = [draft(), draft(volume="x"), InvalidSample("unreadable")]

    with pytest.raises(InvalidSample) as caught:
        Recorder(storage).record_all(drafts, ADMIN)

    expected = "volume must be a number, not 'x' (sample 1); unreadable (sample 2)"
    assert (expected, []) == (caught.value.message, kept(storage))


def test_every_conflict_is_named() -> None:
    """Of several conflicts every id is told, and nothing is stored."""
    storage = MemoryStorage()
    recorder = Recorder(storage, lambda: NOON)
    recorder.record_all([draft(id="a"), draft(id="b")], ADMIN)
    drafts = [draft(id="a", volume=2), draft(id="new"), draft(id="b", volume=2)]

    with pytest.raises(Conflict) as caught:
        recorder.record_all(drafts, ADMIN)

    assert "id a already holds another sample (sample 0); id b" in caught.value.message
    assert ["a", "b"] == kept(storage)


@pytest.mark.parametrize("volume", [7, "7", "7.0", Decimal(7), "70e-1"])
def test_volume_is_read_exactly(volume: object) -> None:
    """A volume is a number however it is written."""
    assert ("7", MeterType.GAUGE) == (str(one(volume=volume).volume), one().series.type)


@pytest.fixture
def expired() -> Recorder:
    """Records at noon; what is older has expired, one sample without a timestamp of its own too."""
    storage = MemoryStorage()
    Recorder(storage, lambda: NOON - MILLISECOND).record_each([draft(id="spent")], ADMIN)
    storage.retire(Horizons(NOON))
    return Recorder(storage, lambda: NOON)


def test_a_sample_from_before_the_horizon_is_named(expired: Recorder) -> None:
    """It costs no other, and the field is the client's."""
    old = draft(timestamp="2015-06-01T11:59:59", names={"timestamp": "when"})
    refused, stored = expired.record_each([old, draft(timestamp="2015-06-01T12:00:00")], ADMIN)

    assert isinstance(refused, Expired)
    assert refused.field == "when"
    assert "Value: '2015-06-01T11:59:59'. before the retention horizon" in refused.message
    assert isinstance(stored, Verdict)


def test_a_retry_of_what_has_expired_is_named(expired: Recorder) -> None:
    """Its timestamp would be a new one, so the id tells."""
    (refused,) = expired.record_each([draft(id="spent")], ADMIN)

    assert isinstance(refused, Expired)
    assert refused.field == "id"


def test_all_or_nothing_names_what_has_expired(expired: Recorder) -> None:
    """Each by its place."""
    old = draft(timestamp="2015-06-01T11:59:59")
    with pytest.raises(InvalidSample, match=r"horizon \(sample 1\).*horizon \(sample 2\)"):
        expired.record_all([draft(), old, old], ADMIN)


@pytest.mark.parametrize(
    ("manner", "source", "project"),
    [
        (MEMBER, "p-1:openstack", "p-1"),
        (Manner(author=Somebody("p-2", "u-1", is_admin=False)), "p-2:openstack", "p-2"),
        (Manner(author=Somebody("p-1", "u-1")), "openstack", "p-1"),
        (Manner(author=Somebody("p-1", "u-1"), prefix_source=True), "p-1:openstack", "p-1"),
        (ADMIN, "openstack", None),
    ],
)
def test_a_remembered_series_is_not_given_to_another_caller(
    manner: Manner, source: str, project: str | None
) -> None:
    """The same sample sent by somebody else, or in another way, is of another series."""
    recorder = Recorder(MemoryStorage(), lambda: NOON)
    for before in (MEMBER, ADMIN, Manner(author=Somebody("p-3", "u-3"), prefix_source=True)):
        recorder.record_each([draft()], before)
    (verdict,) = recorder.record_each([draft()], manner)

    assert isinstance(verdict, Verdict)
    assert (source, project) == (verdict.kept.series.source, verdict.kept.series.project_id)


def test_a_remembered_series_does_not_let_another_meter_in() -> None:
    """What was valid where any meter may be written is refused where another one was named."""
    recorder = Recorder(MemoryStorage(), lambda: NOON)
    recorder.record_each([draft()], ADMIN)
    (refused,) = recorder.record_each([draft()], Manner(author=Somebody(), meter="memory"))

    assert isinstance(refused, InvalidSample)


def test_memory_of_tracks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what they weigh: one with long texts takes the place of several."""
    monkeypatch.setattr(recorder_module, "_BYTES_OF_TRACKS", 100_000)
    recorder = Recorder(MemoryStorage(), lambda: NOON)
    made = []
    monkeypatch.setattr(recorder_module, "track_of", lambda *of: made.append(of) or track_of(*of))

    def rounds(length: int) -> int:
        made.clear()
        for _ in range(2):
            names = [f"{number:\u2007>{length}}" for number in range(120)]
            recorder.record_each([draft(resource_id=name) for name in names], ADMIN)
        return len(made)

    assert rounds(10) == 120
    assert rounds(255) > 120


def test_samples_share_a_track() -> None:
    """Whatever their descriptions, they are of one object, whose digest is made once."""
    first, second = each(draft(volume=1), draft(volume=2, metadata=Metadata.of({"a": 1})))

    assert first.kept.series.track is second.kept.series.track


@pytest.mark.parametrize(
    "changes",
    [
        {"meter": "memory"},
        {"type": "delta"},
        {"unit": "GB"},
        {"resource_id": "vm-2"},
        {"project_id": "p-9"},
        {"user_id": "u-9"},
        {"source": "elsewhere"},
    ],
    ids=str,
)
def test_what_differs_is_of_a_track_of_its_own(changes: dict[str, Any]) -> None:
    """Whichever field it is that tells the second sample from the first, it is kept."""
    one, other = Recorder(MemoryStorage(), lambda: NOON).record_each(
        [draft(), draft(**changes)], ADMIN
    )

    ((name, value),) = changes.items()
    assert value == str(getattr(other.kept.series, name))
    assert value != str(getattr(one.kept.series, name))
