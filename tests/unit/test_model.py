"""Tracks, series and samples, their digests and keys, and what repeats what."""

import subprocess
import sys

import pytest
import strategies
from builders import after_noon, sample, series, submission
from hypothesis import given

from metering.model import AllProjects, MeterType, Project, Series, Track, is_visible, sample_key

CHANGES = [
    pytest.param({"source": "other"}, id="source"),
    pytest.param({"meter": "other"}, id="meter"),
    pytest.param({"type": MeterType.DELTA}, id="type"),
    pytest.param({"unit": ""}, id="unit"),
    pytest.param({"resource_id": "vm-2"}, id="resource_id"),
    pytest.param({"project_id": None}, id="project_id"),
    pytest.param({"user_id": None}, id="user_id"),
    pytest.param({"metadata": {"a": None}}, id="metadata"),
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_field_is_in_the_digest(change: dict) -> None:
    """Series that differ in one field have other digests, and are not equal."""
    assert series() != series(**change)
    assert series().digest != series(**change).digest


@given(strategies.series, strategies.series)
def test_digests_are_equal_exactly_if_series_are(one: Series, other: Series) -> None:
    """A digest stands for a series."""
    assert (one == other) == (one.digest == other.digest)
    assert one != other or hash(one) == hash(other)


@given(strategies.tracks, strategies.tracks)
def test_digests_are_equal_exactly_if_tracks_are(one: Track, other: Track) -> None:
    """A digest stands for a track."""
    assert (one == other) == (one.digest == other.digest)
    assert one != other or hash(one) == hash(other)


@pytest.mark.parametrize("change", CHANGES)
def test_metadata_are_not_of_a_track(change: dict) -> None:
    """Every other field is in the track and in its digest."""
    one, other = series().track, series(**change).track

    assert (one == other) == (one.digest == other.digest) == ("metadata" in change)


@given(strategies.series)
def test_the_digest_of_a_series_begins_with_its_tracks(one: Series) -> None:
    """So the series of a track follow each other."""
    assert one.digest == one.track.digest + one.metadata.digest
    assert [16, 16, 32] == [
        len(found) for found in (one.track.digest, one.metadata.digest, one.digest)
    ]


@pytest.mark.parametrize("name", [*Track.__dataclass_fields__, "stream"])
def test_a_series_has_what_its_track_has(name: str) -> None:
    """Every field of the track, and the stream."""
    one = series(project_id=None, metadata={"a": 1})

    assert getattr(one.track, name) == getattr(one, name)


def test_no_track_has_the_digest_of_its_rollup() -> None:
    """One block is of the one, another of the other."""
    assert series().track.digest != series().track.rollup.digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"source": "ab", "meter": "c"}, {"source": "a", "meter": "bc"}, id="moved"),
        pytest.param({"project_id": None}, {"project_id": ""}, id="none-empty"),
        pytest.param({"project_id": None}, {"project_id": "-"}, id="none-dash"),
        pytest.param({"project_id": "x"}, {"project_id": "+x"}, id="plus"),
        pytest.param(
            {"project_id": "a", "user_id": None}, {"project_id": None, "user_id": "a"}, id="swapped"
        ),
        pytest.param({"meter": "é"}, {"meter": "e\u0301"}, id="composed"),
    ],
)
def test_digest_cannot_be_forged(one: dict, other: dict) -> None:
    """Characters moved from one field to the next make another digest."""
    assert series(**one).digest != series(**other).digest
    assert series(**one).track.digest != series(**other).track.digest


def test_digest_does_not_depend_on_the_process() -> None:
    """Another process, with other hashes, computes the same digests and keys."""
    program = (
        "from builders import sample; one = sample(metadata={'b': 1, 'a': 2});"
        "print(one.series.digest.hex(), one.key.hex())"
    )
    command = [sys.executable, "-c", program]
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)}
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    one = sample(metadata={"a": 2, "b": 1})
    assert [one.series.digest.hex(), one.key.hex()] == told.stdout.split()


def test_digest_and_key_are_fixed() -> None:
    """Digests and keys are kept in databases for ever, so these values never change."""
    one = series(metadata={"a": 1})

    assert "f31e1a5c344a002fc25d7f82110f0841" == one.track.digest.hex()
    assert "c2e67e3bb6ae84fff70c342f9bc18e79" == one.track.rollup.digest.hex()
    assert "2c6b113b8dd15ffbded9860b43eb0c6c" == one.metadata.digest.hex()
    assert "eae8c1a187ea5810702aa79bb3a50c54" == sample_key("openstack", "s-1").hex()


def test_key_is_of_source_and_id_only() -> None:
    """Nothing but source and id is in the key, and both are."""
    assert sample().key == sample(volume=2, meter="x", timestamp=after_noon(1)).key
    assert sample().key != sample(source="other").key
    assert sample().key != sample(id="s-2").key
    assert sample_key("a", "bc") != sample_key("ab", "c")
    assert 16 == len(sample().key)


SENT = [
    pytest.param({"timestamp": after_noon(0.001)}, id="timestamp"),
    pytest.param({"volume": 2}, id="volume"),
    *(change for change in CHANGES if change.id != "source"),
]


@pytest.mark.parametrize("change", SENT)
def test_field_that_was_sent_must_agree(change: dict) -> None:
    """A submission repeats a kept sample only if every value that was sent agrees."""
    assert not submission(**change).repeats(sample())


@pytest.mark.parametrize("change", SENT)
def test_field_that_was_completed_may_differ(change: dict) -> None:
    """What the server filled in takes no part."""
    assert submission(completed=change.keys(), **change).repeats(sample())


def test_repeats_itself() -> None:
    """The same values repeat, however they are written and whenever they are recorded."""
    again = submission(volume="1.00", recorded_at=after_noon(99))

    assert again.repeats(sample())


@pytest.mark.parametrize(
    ("project", "scope", "expected"),
    [
        ("p-1", Project("p-1"), True),
        ("p-2", Project("p-1"), False),
        (None, Project("p-1"), False),
        (None, Project("None"), False),
        (None, Project(""), False),
        ("", Project(""), True),
        (None, AllProjects(), True),
        ("p-1", AllProjects(), True),
    ],
)
def test_who_sees_what(
    project: str | None, scope: Project | AllProjects, *, expected: bool
) -> None:
    """A project sees its own; what has no project only who may see everything."""
    one = series(project_id=project)

    assert expected == is_visible(one, scope)
    assert expected == is_visible(one.track, scope)
    assert expected == is_visible(one.track.rollup, scope)
