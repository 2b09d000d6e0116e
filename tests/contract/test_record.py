"""`Storage.record`: keys are for ever, and what became of each submission."""

from decimal import Decimal

import pytest
from builders import LATER, NOON, after_noon, sample, submission
from contract.asking import extents, ids, keep, record, samples

from metering.model import MeterType, Outcome, Verdict
from metering.storage.base import Storage

STORED, DUPLICATE, CONFLICT = Outcome.STORED, Outcome.DUPLICATE, Outcome.CONFLICT

OTHER_VALUES = [
    pytest.param({"timestamp": after_noon(0.001)}, id="timestamp"),
    pytest.param({"volume": "1.000000000000000000000000001"}, id="volume"),
    pytest.param({"meter": "cpu2"}, id="meter"),
    pytest.param({"type": MeterType.DELTA}, id="type"),
    pytest.param({"unit": "Core"}, id="unit"),
    pytest.param({"resource_id": "vm-2"}, id="resource_id"),
    pytest.param({"project_id": "p-2"}, id="project_id"),
    pytest.param({"user_id": None}, id="user_id"),
    pytest.param({"metadata": {"a": 1}}, id="metadata"),
]

OTHER_METADATA = [
    pytest.param({"a": 1}, {"a": "1"}, id="number-text"),
    pytest.param({"a": 1}, {"a": True}, id="number-boolean"),
    pytest.param({"a": 1}, {"a": Decimal("1.0")}, id="integer-decimal"),
    pytest.param({"a": None}, {}, id="null-absent"),
    pytest.param({"a": None}, {"a": "None"}, id="null-text"),
    pytest.param({"a": {"b": 1}}, {"a.b": 1}, id="nested-dotted"),
    pytest.param({"a": [1, 2]}, {"a": [2, 1]}, id="order-of-list"),
    pytest.param({"a": []}, {"a": {}}, id="list-object"),
]

OTHER_KEYS = [
    pytest.param({"id": "S-1"}, id="case"),
    pytest.param({"id": "s-1 "}, id="blank"),
    pytest.param({"id": "s-1\u0301"}, id="accent"),
    pytest.param({"source": "OpenStack"}, id="case-of-source"),
    pytest.param({"source": "p-1:openstack"}, id="source"),
    pytest.param({"source": "openstacks", "id": "-1"}, id="moved-character"),
]


def test_free_key_is_stored(storage: Storage) -> None:
    """A key that is free is STORED, and the sample kept is the one that was sent."""
    sent = submission()

    assert [Verdict(STORED, sent.sample)] == storage.record([sent], atomic=False)
    assert [sent.sample] == samples(storage)


def test_same_again_is_duplicate(storage: Storage) -> None:
    """The same sample under its key is a DUPLICATE of the one that is kept."""
    keep(storage, sample())

    assert [Verdict(DUPLICATE, sample())] == storage.record([submission()], atomic=False)
    assert [sample()] == samples(storage)


def test_time_of_recording_never_counts(storage: Storage) -> None:
    """A repetition is recorded later; the first time of recording stays."""
    keep(storage, sample(recorded_at=LATER))

    again = submission(recorded_at=after_noon(10**6))

    assert [Verdict(DUPLICATE, sample(recorded_at=LATER))] == storage.record([again], atomic=True)
    assert [sample(recorded_at=LATER)] == samples(storage)


@pytest.mark.parametrize("volume", ["1.5", "1.50", "15E-1"])
def test_volumes_compare_by_value(storage: Storage, volume: str) -> None:
    """Another way to write a number is the same number."""
    keep(storage, sample(volume="1.5"))

    assert record(storage, submission(volume=volume)) == [DUPLICATE]


@pytest.mark.parametrize("change", OTHER_VALUES)
def test_other_body_is_conflict(storage: Storage, change: dict) -> None:
    """Another body under a taken key is a CONFLICT with what is kept, and nothing changes."""
    keep(storage, sample())

    assert [Verdict(CONFLICT, sample())] == storage.record([submission(**change)], atomic=False)
    assert [sample()] == samples(storage)
    assert [sample().series] == [extent.subject for extent in extents(storage)]


@pytest.mark.parametrize("change", OTHER_VALUES)
def test_completed_field_does_not_count(storage: Storage, change: dict) -> None:
    """What the server filled in takes no part in the comparison; the kept value stays."""
    keep(storage, sample())
    again = submission(completed=change.keys(), **change)

    assert [Verdict(DUPLICATE, sample())] == storage.record([again], atomic=False)
    assert [sample()] == samples(storage)
    assert [sample().series] == [extent.subject for extent in extents(storage)]


@pytest.mark.parametrize("change", OTHER_VALUES)
def test_completed_field_excuses_no_other(storage: Storage, change: dict) -> None:
    """A field that was sent counts, however many others were filled in."""
    fields = {"timestamp", "volume", "unit", "project_id", "user_id", "metadata", "meter", "type"}
    keep(storage, sample())
    again = submission(completed=fields - change.keys(), **change)

    assert record(storage, again) == [CONFLICT]


@pytest.mark.parametrize(("kept", "sent"), OTHER_METADATA)
def test_metadata_types_count(storage: Storage, kept: dict, sent: dict) -> None:
    """Two descriptions that merely look alike are two."""
    keep(storage, sample(metadata=kept))

    assert record(storage, submission(metadata=sent)) == [CONFLICT]
    assert record(storage, submission(metadata=kept)) == [DUPLICATE]


def test_order_of_metadata_keys_does_not_count(storage: Storage) -> None:
    """A JSON object has no order."""
    keep(storage, sample(metadata={"a": 1, "b": 2}))

    assert record(storage, submission(metadata={"b": 2, "a": 1})) == [DUPLICATE]


def test_absent_project_is_not_the_empty_one(storage: Storage) -> None:
    """No project and the project without a name are different owners."""
    keep(storage, sample(project_id=None))

    assert record(storage, submission(project_id="")) == [CONFLICT]


@pytest.mark.parametrize("change", OTHER_KEYS)
def test_other_key_is_free(storage: Storage, change: dict) -> None:
    """Keys are equal only when source and id are, character for character."""
    keep(storage, sample(), sample(**change))

    assert record(storage, submission(), submission(**change)) == [DUPLICATE, DUPLICATE]


def test_sources_do_not_share_ids(storage: Storage) -> None:
    """One id in two sources is two samples, each with its own body."""
    ours, theirs = sample(volume=1), sample(source="theirs", volume=2)
    keep(storage, ours)
    keep(storage, theirs)

    assert {ours.key: ours, theirs.key: theirs} == {one.key: one for one in samples(storage)}
    assert record(storage, submission(source="theirs", volume=1)) == [CONFLICT]


def test_key_is_taken_in_every_project(storage: Storage) -> None:
    """The key is (source, id) alone: the project takes no part in it."""
    keep(storage, sample(project_id="p-1"))

    assert record(storage, submission(project_id="p-2")) == [CONFLICT]


def test_verdicts_come_in_order(storage: Storage) -> None:
    """Each verdict stands where its submission stood."""
    keep(storage, sample(id="a"), sample(id="b"))
    batch = [
        submission(id="c"),
        submission(id="b", volume=2),
        submission(id="a"),
        submission(id="d"),
        submission(id="a", volume=3),
        submission(id="b"),
    ]

    verdicts = storage.record(batch, atomic=False)

    assert [verdict.outcome for verdict in verdicts] == [
        STORED,
        CONFLICT,
        DUPLICATE,
        STORED,
        CONFLICT,
        DUPLICATE,
    ]
    assert [verdict.kept.id for verdict in verdicts] == ["c", "b", "a", "d", "a", "b"]
    assert {1} == {verdict.kept.volume for verdict in verdicts}


@pytest.mark.parametrize("atomic", [False, True])
def test_repetition_inside_a_batch(storage: Storage, *, atomic: bool) -> None:
    """A batch is recorded one after the other: the second of a key meets the first."""
    batch = [submission(), submission(recorded_at=NOON), submission(id="s-2")]

    assert record(storage, *batch, atomic=atomic) == [STORED, DUPLICATE, STORED]
    assert {"s-1", "s-2"} == set(ids(storage))
    assert {LATER} == {one.recorded_at for one in samples(storage)}


def test_conflict_inside_a_batch(storage: Storage) -> None:
    """The first of a key in a batch is kept, later ones are measured by it."""
    batch = [submission(volume=1), submission(volume=2), submission(volume=2)]

    verdicts = storage.record(batch, atomic=False)

    assert [verdict.outcome for verdict in verdicts] == [STORED, CONFLICT, CONFLICT]
    assert [sample(volume=1)] * 3 == [verdict.kept for verdict in verdicts]
    assert [sample(volume=1)] == samples(storage)


def test_conflict_inside_a_batch_across_series(storage: Storage) -> None:
    """A key is taken also for another series of its source."""
    batch = [submission(resource_id="vm-1"), submission(resource_id="vm-2")]

    assert record(storage, *batch) == [STORED, CONFLICT]
    assert [sample(resource_id="vm-1")] == samples(storage)
    assert [sample().series] == [extent.subject for extent in extents(storage)]


def test_batch_stores_beside_a_conflict(storage: Storage) -> None:
    """Without `atomic`, a conflict keeps nothing else from being stored."""
    keep(storage, sample(id="b"))
    batch = [submission(id="a"), submission(id="b", volume=2), submission(id="c")]

    assert record(storage, *batch) == [STORED, CONFLICT, STORED]
    assert {"a", "b", "c"} == set(ids(storage))


def test_atomic_batch_stores_nothing_beside_a_conflict(storage: Storage) -> None:
    """With `atomic`, any CONFLICT means that nothing is stored; the verdicts stay the same."""
    keep(storage, sample(id="b"))
    batch = [
        submission(id="a", resource_id="vm-2"),
        submission(id="b"),
        submission(id="b", volume=2),
        submission(id="c"),
    ]

    assert record(storage, *batch, atomic=True) == [STORED, DUPLICATE, CONFLICT, STORED]
    assert [sample(id="b")] == samples(storage)
    assert [sample().series] == [extent.subject for extent in extents(storage)]


def test_atomic_batch_in_conflict_with_itself(storage: Storage) -> None:
    """A conflict between two of the batch counts like any other: nothing is stored."""
    batch = [submission(id="a"), submission(id="b"), submission(id="b", volume=2)]

    verdicts = storage.record(batch, atomic=True)

    assert [verdict.outcome for verdict in verdicts] == [STORED, STORED, CONFLICT]
    assert sample(id="b") == verdicts[2].kept
    assert samples(storage) == []


def test_what_was_not_stored_may_come_again(storage: Storage) -> None:
    """A key of a refused atomic batch is still free, also for another body."""
    record(storage, submission(id="a"), submission(id="a", volume=2), atomic=True)

    assert record(storage, submission(id="a", volume=2), atomic=True) == [STORED]
    assert [sample(id="a", volume=2)] == samples(storage)


def test_atomic_batch_with_duplicates_is_stored(storage: Storage) -> None:
    """A duplicate is no conflict: the rest of an atomic batch is stored."""
    keep(storage, sample(id="a"))

    outcomes = record(storage, submission(id="a"), submission(id="b"), atomic=True)

    assert outcomes == [DUPLICATE, STORED]
    assert {"a", "b"} == set(ids(storage))


@pytest.mark.parametrize("atomic", [False, True])
def test_empty_batch(storage: Storage, *, atomic: bool) -> None:
    """Nothing submitted, no verdicts."""
    assert storage.record([], atomic=atomic) == []
    assert samples(storage) == []


@pytest.mark.parametrize("atomic", [False, True])
def test_large_batch(storage: Storage, *, atomic: bool) -> None:
    """Two thousand samples of as many series, half of them known, are one batch like any other."""
    batch = [submission(id=f"s-{n}", resource_id=f"vm-{n}", volume=n) for n in range(2000)]
    record(storage, *batch[::2])

    assert record(storage, *batch, atomic=atomic) == [DUPLICATE, STORED] * 1000
    assert {one.sample for one in batch} == set(samples(storage))


def test_large_atomic_batch_in_conflict(storage: Storage) -> None:
    """The last of two thousand keeps all others from being stored."""
    keep(storage, sample(id="s-1999"))
    batch = [submission(id=f"s-{n}") for n in range(1999)]

    outcomes = record(storage, *batch, submission(id="s-1999", volume=2), atomic=True)

    assert outcomes == [STORED] * 1999 + [CONFLICT]
    assert ids(storage) == ["s-1999"]


def test_late_samples_are_kept(storage: Storage) -> None:
    """Samples may arrive in any order of time."""
    for seconds in (60, 0, 120, 30):
        keep(storage, sample(id=f"at-{seconds}", timestamp=after_noon(seconds)))

    assert ids(storage) == ["at-120", "at-60", "at-30", "at-0"]
