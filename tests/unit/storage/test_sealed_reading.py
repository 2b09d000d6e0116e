"""What is read of a store that is sealed: pieces where there are, samples elsewhere."""

from collections.abc import Collection, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builders import LATER, after_noon, sample
from contract.asking import keep, summaries, totals
from msgspec import structs

from metering.calendar import Calendar, Interval, read_zone
from metering.model import AllProjects, Sample
from metering.query import FIELDS, Comparison, ExtentQuery, Operator, metadata_field
from metering.retention import Horizons
from metering.storage import block_reader, sealer, sealing
from metering.storage.base import Effort
from metering.storage.block_codec import decode_whole, encode_days
from metering.storage.blocks import MOST_PARTS, Block, Combine, DayOf
from metering.storage.handles import Handle
from metering.storage.spans import day_of, hour_of, month_of
from metering.storage.sqlite import SqliteStorage
from metering.times import FixedWindows, Range

MIDNIGHT = datetime(2015, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[SqliteStorage]:
    """A busy and a quiet track over four days from noon on; three midnights are sealed.

    What a quiet track has is read twice, for itself and for the hours of its rollup.
    """
    with closing(SqliteStorage.open(f"sqlite:///{tmp_path}/m.db", timeout_seconds=60)) as store:
        store.prepare()
        keep(
            store,
            *(sample(id=f"a{n}", timestamp=after_noon(300 * n)) for n in range(4 * 288)),
            *(sample(id=f"b{n}", timestamp=after_noon(7_200 * n), meter="q") for n in range(48)),
        )
        assert sum(store.seal(MIDNIGHT + 3 * DAY)) == (144 + 2 * 288) + 2 * (6 + 2 * 12)
        yield store


def effort(storage: SqliteStorage, **query: object) -> tuple[int, int, int]:
    """Series, pieces and samples that the question took."""
    spent = Effort()
    summaries(storage, effort=spent, **query)
    return spent.tracks, spent.pieces, spent.samples


def test_a_whole_month_costs_a_piece(storage: SqliteStorage) -> None:
    """As much of it as is sealed; no sample is read."""
    assert effort(storage, range=Range(MIDNIGHT, MIDNIGHT + 3 * DAY)) == (2, 2, 0)


def test_some_sealed_days_cost_a_piece_each(storage: SqliteStorage) -> None:
    """Of a month of which not all is asked for."""
    assert effort(storage, range=Range(MIDNIGHT, MIDNIGHT + 2 * DAY)) == (2, 4, 0)


def test_windows_of_a_day_cost_a_piece_each(storage: SqliteStorage) -> None:
    """Although the whole month is asked for."""
    windows = FixedWindows(MIDNIGHT, 86_400)
    assert effort(storage, range=Range(MIDNIGHT, MIDNIGHT + 3 * DAY), windows=windows) == (2, 6, 0)


def test_days_of_a_zone_cost_their_hours(storage: SqliteStorage) -> None:
    """Of what is cut only the quiet track is read: it has no hours."""
    calendar = Calendar(interval=Interval.DAY, zone=read_zone("Europe/Berlin"))
    start, end = MIDNIGHT - 2 * HOUR, MIDNIGHT + 3 * DAY - 2 * HOUR
    query = {"range": Range(start, end), "windows": calendar.windows(start, end).windows}
    assert effort(storage, **query) == (2, 12 + 24 + 22, 6 + 12 + 11)


def test_what_is_not_sealed_is_read(storage: SqliteStorage) -> None:
    """The days after the last one that is sealed, and no others."""
    assert effort(storage) == (2, 2, (288 + 144) + (12 + 6))


def test_a_day_that_is_not_over_is_a_piece_as_well(storage: SqliteStorage) -> None:
    """Up to where it was sealed, in whole months and by days; what comes after it strikes nothing.

    To seal more of it reads it once more, from its midnight on.
    """
    midnight = MIDNIGHT + 3 * DAY
    assert sum(storage.seal(midnight + 5 * HOUR)) == 2 * (60 + 3)
    keep(storage, sample(id="new", timestamp=midnight + 5 * HOUR))

    assert effort(storage, range=Range(MIDNIGHT, midnight + 5 * HOUR)) == (2, 2, 0)
    assert effort(storage, range=Range(MIDNIGHT, midnight + 6 * HOUR)) == (2, 2, 13)
    assert effort(storage, range=Range(midnight, midnight + 5 * HOUR)) == (2, 2, 0)
    assert effort(storage, range=Range(MIDNIGHT, midnight + 4 * HOUR)) == (2, 6, 48 + 2)
    hours = FixedWindows(MIDNIGHT, 3_600)
    asked = {"range": Range(midnight, midnight + 5 * HOUR), "windows": hours}
    assert effort(storage, **asked) == (2, 0, 60 + 3)

    assert sum(storage.seal(midnight + 7 * HOUR)) == 2 * (84 + 1 + 4)
    assert effort(storage, range=Range(MIDNIGHT, midnight + 7 * HOUR)) == (2, 2, 0)


def test_the_hours_of_a_day_that_is_not_over(storage: SqliteStorage) -> None:
    """They are there as soon as it is busy."""
    midnight = MIDNIGHT + 3 * DAY
    list(storage.seal(midnight + 10 * HOUR))
    hours = FixedWindows(MIDNIGHT, 3_600)
    asked = {"range": Range(midnight, midnight + 10 * HOUR), "windows": hours}
    assert effort(storage, **asked) == (2, 10, 5)


def busy_until(storage: SqliteStorage, hour: int) -> datetime:
    """Seal up to that hour of a day that is busy by then; returns its midnight."""
    midnight = MIDNIGHT + 5 * DAY
    keep(storage, *(of_busy(f"{n}", midnight + n * HOUR / 12) for n in range(240)))
    list(storage.seal(midnight))
    assert sum(storage.seal(midnight + hour * HOUR)) == 12 * hour
    return midnight


def of_busy(id_: str, at: datetime, **metadata: int) -> Sample:
    """A sample of the track that is busy on that day."""
    return sample(id=id_, timestamp=at, resource_id="vm-3", metadata=metadata)


def test_a_busy_day_goes_on(storage: SqliteStorage) -> None:
    """Only what there is more of it is read, and its hours and description are all there."""
    midnight = busy_until(storage, 10)
    assert sum(storage.seal(midnight + 11 * HOUR)) == 12
    assert sum(storage.seal(midnight + 11 * HOUR)) == 0
    assert sum(storage.seal(midnight + 21 * HOUR)) == 9 * 12

    range_ = Range(midnight, midnight + 21 * HOUR)
    for by_series in (False, True):
        assert effort(storage, range=range_, by_series=by_series) == (1, 1, 0)
    by_hour = FixedWindows(midnight, 3_600)
    assert effort(storage, range=range_, windows=by_hour) == (1, 20, 0)
    assert not contradictions(storage)


def test_a_day_that_was_struck_is_read_again_as_a_whole(storage: SqliteStorage) -> None:
    """However much more there is of it; then it goes on."""
    midnight = busy_until(storage, 10)
    keep(storage, of_busy("late", midnight + HOUR))

    assert sum(storage.seal(midnight + 11 * HOUR)) == 11 * 12 + 1
    assert sum(storage.seal(midnight + 12 * HOUR)) == 12
    assert not contradictions(storage)


def test_a_day_of_a_month_in_which_another_was_struck(storage: SqliteStorage) -> None:
    """Both are sealed, and nothing of the one that is not over counts twice."""
    midnight = busy_until(storage, 10)
    keep(storage, of_busy("late", midnight - DAY))
    list(storage.seal(midnight + 11 * HOUR))

    assert not contradictions(storage)
    range_ = Range(midnight - DAY, midnight + 11 * HOUR)
    assert effort(storage, range=range_) == (3, 2 + 2, 0)


def test_a_day_whose_description_changes_is_read_again_as_a_whole(storage: SqliteStorage) -> None:
    """So its block has what it has under each; as it is not known where it changes, each time."""
    midnight = busy_until(storage, 10)
    keep(storage, *(of_busy(f"new{n}", midnight + 10.5 * HOUR, a=n) for n in (1, 2)))

    assert sum(storage.seal(midnight + 11 * HOUR)) == (12 + 2) + (11 * 12 + 2)
    assert sum(storage.seal(midnight + 12 * HOUR)) == 12 * 12 + 2
    range_ = Range(midnight, midnight + 12 * HOUR)
    assert effort(storage, range=range_, by_series=True) == (1, 3, 0)
    assert not contradictions(storage)


def test_a_day_without_its_hours_is_read_again_as_a_whole(storage: SqliteStorage) -> None:
    """Somebody may be about to forget all that was sealed."""
    midnight = busy_until(storage, 10)
    with storage.tables._connections.transaction() as connection:
        connection.execute("DELETE FROM hours")

    assert sum(storage.seal(midnight + 11 * HOUR)) == 11 * 12
    by_hour = FixedWindows(midnight, 3_600)
    range_ = Range(midnight, midnight + 11 * HOUR)
    assert effort(storage, range=range_, windows=by_hour) == (1, 11, 0)


def test_a_busy_day_that_has_expired_in_part(storage: SqliteStorage) -> None:
    """It is read again as a whole, and what it had in hours that are gone goes."""
    midnight = busy_until(storage, 20)
    storage.retire(Horizons(midnight + 3 * HOUR))
    list(storage.purge(storage.horizons()))
    list(storage.seal(midnight + 21 * HOUR))

    assert not contradictions(storage)
    range_ = Range(midnight, midnight + 19 * HOUR)
    assert effort(storage, range=range_) == (1, 16, 0)


def test_hours_that_are_left_of_a_day(storage: SqliteStorage) -> None:
    """Of somebody who was killed while forgetting: a day that is not busy does not go on."""
    midnight = busy_until(storage, 10)
    with storage.tables._connections.transaction() as connection:
        connection.execute("DELETE FROM blocks")
        connection.execute("DELETE FROM sealing WHERE state = 'closed'")
    storage.retire(Horizons(midnight + 9 * HOUR))
    list(storage.purge(storage.horizons()))
    list(storage.seal(midnight + 10 * HOUR))
    list(storage.seal(midnight + 20 * HOUR))

    assert not contradictions(storage)
    range_ = Range(midnight, midnight + 19 * HOUR)
    assert effort(storage, range=range_) == (1, 10, 0)


def test_a_block_is_as_new_as_the_newest_of_its_samples(storage: SqliteStorage) -> None:
    """Although what is sealed later was recorded before."""
    midnight = MIDNIGHT + 5 * DAY
    new = sample(id="new", timestamp=midnight, meter="r", recorded_at=LATER + HOUR)
    keep(storage, new)
    list(storage.seal(midnight + DAY))
    keep(storage, sample(id="old", timestamp=midnight + DAY, meter="r", recorded_at=LATER))
    list(storage.seal(midnight + 2 * DAY))
    range_ = Range(midnight, midnight + 2 * DAY)
    query = ExtentQuery(scope=AllProjects(), range=range_, as_of=LATER, by_series=True)

    assert [one.first_sample_at for one in storage.extents(query)] == [midnight + DAY]


def test_hours_that_were_sealed_anew_and_not_as_far(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a look at the block and one at them: then they are of no use."""
    midnight = busy_until(storage, 12)
    read = storage.tables.hours

    def later(days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
        storage.unseal()
        list(storage.seal(midnight + 9 * HOUR))
        return read(days)

    monkeypatch.setattr(storage.tables, "hours", later)
    by_hour = FixedWindows(midnight, 3_600)
    range_ = Range(midnight, midnight + 12 * HOUR)
    assert effort(storage, range=range_, windows=by_hour) == (1, 0, 12 * 12)


def contradictions(storage: SqliteStorage) -> list[str]:
    """What verify finds."""
    return [one for found in storage.verify() for one in found.contradictions]


def test_a_struck_day_that_is_not_over_is_read(storage: SqliteStorage) -> None:
    """All of it, but no other; until it is sealed again."""
    midnight = MIDNIGHT + 3 * DAY
    list(storage.seal(midnight + 5 * HOUR))
    keep(storage, sample(id="late", timestamp=midnight + HOUR))
    range_ = Range(MIDNIGHT, midnight + 5 * HOUR)

    assert effort(storage, range=range_) == (2, 3 + 1, 61)
    assert sum(storage.seal(midnight + 2 * HOUR)) == 2 * 61
    assert effort(storage, range=range_) == (2, 2, 0)


def test_a_part_of_an_hour_is_sealed_the_next_time(storage: SqliteStorage) -> None:
    """Also if its track has nothing more; what is struck meanwhile is all else that is read."""
    midnight = MIDNIGHT + 3 * DAY
    brief = sample(id="brief", timestamp=midnight + 5 * HOUR, resource_id="vm-2")
    keep(storage, brief)
    list(storage.seal(midnight + 5.5 * HOUR))
    list(storage.seal(midnight + 6 * HOUR))
    range_ = Range(MIDNIGHT, midnight + 6 * HOUR)
    assert effort(storage, range=range_) == (3, 3, 0)

    keep(storage, sample(id="late", timestamp=MIDNIGHT + HOUR))
    assert sum(storage.seal(midnight + 6 * HOUR)) == 144 + 1
    assert effort(storage, range=range_) == (3, 3, 0)


def test_ragged_edges_take_hours(storage: SqliteStorage) -> None:
    """Of busy days; of quiet ones, and of hours that are cut, samples are read."""
    range_ = Range(MIDNIGHT + DAY + 23 * HOUR, MIDNIGHT + 2 * DAY + HOUR)
    assert effort(storage, range=range_) == (2, 2, 1)

    half = HOUR / 2
    cut = Range(range_.start - half, range_.end + half)
    assert effort(storage, range=cut) == (2, 2, 6 + 6 + 1)


def test_hours_are_taken_as_far_as_they_fit(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where very many days have to be cut, there are no more pieces than samples would be."""
    monkeypatch.setattr(block_reader, "_PIECES_AT_ONCE", 1)
    range_ = Range(MIDNIGHT + DAY + 23 * HOUR, MIDNIGHT + 2 * DAY + HOUR)
    assert effort(storage, range=range_) == (2, 1, 12 + 1)


def sealed_anew(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch, **metadata: int
) -> datetime:
    """A sample comes late between a look at a block and one at its hours; returns the midnight."""
    midnight = busy_until(storage, 12)
    read = storage.tables.hours
    late = structs.replace(
        of_busy("late", midnight + 6 * HOUR - HOUR / 60, **metadata), recorded_at=LATER + HOUR
    )

    def later(days: Collection[DayOf]) -> Iterator[tuple[DayOf, bytes]]:
        keep(storage, late)
        list(storage.seal(midnight + 12 * HOUR))
        return read(days)

    monkeypatch.setattr(storage.tables, "hours", later)
    return midnight


def test_hours_that_were_sealed_anew_with_another_description(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not taken for those of the one that the block knew."""
    midnight = sealed_anew(storage, monkeypatch, a=1)
    found = summaries(storage, range=Range(midnight, midnight + 6 * HOUR))

    assert sorted(one.count for one in found.values()) == [1, 6 * 12]


def test_hours_that_were_sealed_anew_after_what_is_asked_for(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was recorded later is not told, although the block did not have it yet."""
    midnight = sealed_anew(storage, monkeypatch)
    end = midnight + 6 * HOUR
    range_ = Range(midnight, end)
    query = ExtentQuery(scope=AllProjects(), range=range_, as_of=LATER, by_series=True)

    assert [one.last_sample_at for one in storage.extents(query)] == [end - HOUR / 12]


def test_a_busy_day_that_ends_early_is_known_to_its_end(storage: SqliteStorage) -> None:
    """Also if nothing more came: nobody looks after what there may be of it."""
    midnight = busy_until(storage, 20)
    list(storage.seal(midnight + DAY))
    by_hour = FixedWindows(midnight, 3_600)
    range_ = Range(midnight, midnight + 23 * HOUR)
    assert effort(storage, range=range_, windows=by_hour) == (1, 20, 0)


def test_windows_across_midnight_take_hours(storage: SqliteStorage) -> None:
    """A busy day is told by its hours, a quiet one is read."""
    range_ = Range(MIDNIGHT + DAY, MIDNIGHT + 3 * DAY)
    windows = FixedWindows(MIDNIGHT + 2 * HOUR, 86_400)
    assert effort(storage, range=range_, windows=windows) == (2, 48, 24)


@pytest.fixture
def hourly(storage: SqliteStorage) -> SqliteStorage:
    """Besides, five quiet tracks of one rollup, each sealed for two days."""
    keep(
        storage,
        *(
            sample(id=f"{vm}-{n}", timestamp=MIDNIGHT + n * HOUR, meter="r", resource_id=f"{vm}")
            for vm in range(5)
            for n in range(48)
        ),
    )
    list(storage.seal(MIDNIGHT + 3 * DAY))
    return storage


def effort_of_total(storage: SqliteStorage, **query: object) -> tuple[int, int, int]:
    """Tracks, pieces and samples that a day of those five took, which is all there."""
    spent = Effort()
    leaf = Comparison(FIELDS["meter"], Operator.EQ, "r")
    found = totals(storage, effort=spent, filter=leaf, **query)
    assert sum(one.count for one in found.values()) == 5 * 24
    return spent.tracks, spent.pieces, spent.samples


@pytest.mark.parametrize(("zone", "pieces"), [("UTC", 1), ("Europe/Berlin", 24)])
def test_days_of_a_project_are_told_by_its_rollup(
    hourly: SqliteStorage, zone: str, pieces: int
) -> None:
    """In any zone of whole hours: by the hours of all tracks together, however quiet each is."""
    calendar = Calendar(interval=Interval.DAY, zone=read_zone(zone))
    windows = calendar.windows(MIDNIGHT, MIDNIGHT + DAY).windows
    range_ = Range(MIDNIGHT, MIDNIGHT + DAY)

    assert effort_of_total(hourly, range=range_, windows=windows) == (0, pieces, 0)


def test_ragged_edges_of_a_project_are_told_by_its_rollup(hourly: SqliteStorage) -> None:
    """By hours; of an hour that is cut the samples of all its tracks are read."""
    whole_hours = Range(MIDNIGHT + 22 * HOUR, MIDNIGHT + 46 * HOUR)
    assert effort_of_total(hourly, range=whole_hours) == (0, 24, 0)

    minute = timedelta(minutes=1)
    cut = Range(MIDNIGHT + 22 * HOUR + minute, MIDNIGHT + 46 * HOUR + minute)
    assert effort_of_total(hourly, range=cut) == (5, 23, 5)


def test_what_is_not_sealed_of_a_project_is_in_no_blocks(
    hourly: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of its tracks are not looked for; where a day was struck, they are."""
    read, asked = hourly.tables.blocks, []

    def blocks(handles: Collection[Handle], *arguments: object, **named: object) -> object:
        asked.append(len(handles))
        return read(handles, *arguments, **named)

    monkeypatch.setattr(hourly.tables, "blocks", blocks)
    query = {
        "filter": Comparison(FIELDS["meter"], Operator.EQ, "r"),
        "range": Range(MIDNIGHT, MIDNIGHT + 3 * DAY + 2 * HOUR),
    }
    totals(hourly, **query)
    assert asked == [1]

    keep(hourly, sample(id="late", timestamp=MIDNIGHT, meter="r", resource_id="0"))
    totals(hourly, **query)
    assert asked == [1, 1, 5]


def test_hours_are_forgotten_with_their_day(storage: SqliteStorage) -> None:
    """If it is not busy any more when it is sealed again."""
    list(storage.purge(storage.retire(Horizons(MIDNIGHT + 47 * HOUR, {}))))
    assert hours_kept(storage) == [0, 1, 2]
    list(storage.seal(MIDNIGHT + 3 * DAY))
    assert hours_kept(storage) == [2]

    storage.unseal()
    assert hours_kept(storage) == []


def hours_kept(storage: SqliteStorage) -> list[int]:
    """The days from the first on of which the busy track has hours."""
    ((handle, _),) = storage.tables.find_tracks({"meter": "cpu"})
    first = day_of(MIDNIGHT)
    found = storage.tables.hours([DayOf(handle, first + n) for n in range(4)])
    return sorted(of.day - first for of, _ in found)


def test_windows_within_an_hour_read_all(storage: SqliteStorage) -> None:
    """No piece is short enough."""
    range_ = Range(MIDNIGHT + DAY, MIDNIGHT + 2 * DAY)
    windows = FixedWindows(MIDNIGHT + timedelta(minutes=1), 3_600)
    assert effort(storage, range=range_, windows=windows) == (2, 0, 288 + 12)


def test_a_question_about_each_sample_reads_all(storage: SqliteStorage) -> None:
    """Pieces know no volume or id."""
    leaf = Comparison(FIELDS["volume"], Operator.GE, 1)
    assert effort(storage, filter=leaf)[1] == 0


def test_a_struck_day_is_read(storage: SqliteStorage) -> None:
    """And no other; until it is sealed again, which reads that day only."""
    keep(storage, sample(id="late", timestamp=MIDNIGHT + DAY))
    range_ = Range(MIDNIGHT, MIDNIGHT + 3 * DAY)

    assert effort(storage, range=range_) == (2, 2 + 1, 289)
    assert sum(storage.seal(MIDNIGHT + 3 * DAY)) == 289
    assert effort(storage, range=range_) == (2, 2, 0)


def test_a_day_of_many_descriptions_is_read_by_series(storage: SqliteStorage) -> None:
    """And no other: of each the block says which it has. Who asks for tracks reads no day."""
    batch = (
        sample(id=f"late {n}", timestamp=MIDNIGHT + DAY, metadata={"a": n})
        for n in range(MOST_PARTS)
    )
    keep(storage, *batch)
    list(storage.seal(MIDNIGHT + 3 * DAY))
    range_ = Range(MIDNIGHT, MIDNIGHT + 3 * DAY)
    is_new = Comparison(metadata_field("a"), Operator.EQ, 1)

    assert effort(storage, range=range_) == (2, 2 + 1, 288 + MOST_PARTS)
    some = effort(storage, range=range_, filter=is_new)
    assert some == (2, 2 + 1, 288 + MOST_PARTS)
    assert effort(storage, range=range_, by_series=False) == (2, 2, 0)


def test_a_day_of_few_descriptions_costs_a_piece_each(storage: SqliteStorage) -> None:
    """As a month does that is asked for as a whole: no sample is read."""
    keep(storage, sample(id="late", timestamp=MIDNIGHT + DAY, metadata={"a": 1}))
    list(storage.seal(MIDNIGHT + 3 * DAY))

    assert effort(storage, range=Range(MIDNIGHT, MIDNIGHT + 3 * DAY)) == (2, 2 + 1, 0)
    some_days = Range(MIDNIGHT, MIDNIGHT + 2 * DAY)
    assert effort(storage, range=some_days) == (2, (1 + 2) + 2, 0)
    assert effort(storage, range=some_days, by_series=False) == (2, 2 + 2, 0)


def test_a_day_of_few_descriptions_that_is_cut_is_read(storage: SqliteStorage) -> None:
    """What it has under each is of the whole day, of which a part is asked for."""
    keep(storage, sample(id="late", timestamp=MIDNIGHT + DAY, metadata={"a": 1}))
    list(storage.seal(MIDNIGHT + 3 * DAY))
    range_ = Range(MIDNIGHT + DAY + 12 * HOUR, MIDNIGHT + 3 * DAY)
    weeks = FixedWindows(MIDNIGHT - 2 * DAY + 2 * HOUR, 7 * 86_400)
    found = summaries(storage, range=range_, windows=weeks)

    assert sum(one.count for one in found.values()) == (144 + 288) + (6 + 12)


def test_a_description_that_changes_at_midnight_costs_its_days(storage: SqliteStorage) -> None:
    """Or those of its month that is asked for as a whole; no sample is read."""
    rows = [sample(id=f"c{n}", timestamp=after_noon(7_200 * n), meter="r") for n in range(6)]
    after = {"meter": "r", "metadata": {"a": 1}}
    rows += [sample(id=f"d{n}", timestamp=MIDNIGHT + DAY + n * HOUR, **after) for n in range(48)]
    keep(storage, *rows)
    list(storage.seal(MIDNIGHT + 3 * DAY))
    range_ = Range(MIDNIGHT, MIDNIGHT + 3 * DAY)

    some_days = Range(MIDNIGHT, MIDNIGHT + 2 * DAY)

    assert effort(storage, range=range_) == (3, 2 + 2, 0)
    assert effort(storage, range=range_, by_series=False) == (3, 2 + 1, 0)
    assert effort(storage, range=some_days) == (3, 4 + 2, 0)


def test_sealing_again_reads_nothing(storage: SqliteStorage) -> None:
    """And another day reads that day."""
    assert sum(storage.seal(MIDNIGHT + 3 * DAY)) == 0
    assert sum(storage.seal(MIDNIGHT + 4 * DAY)) == 288 + 2 * 12


def test_what_ended_on_a_day_that_is_over_is_sealed_to_its_end(storage: SqliteStorage) -> None:
    """Else blocks would end at as many hours of a month, and questions look after each apart."""
    midnight = MIDNIGHT + 4 * DAY
    ended = [
        sample(id=f"c{n}", timestamp=midnight + n * HOUR, resource_id=f"{n}") for n in range(9)
    ]
    keep(storage, *ended)
    for hours in range(1, 25):
        list(storage.seal(midnight + hours * HOUR))
    handles = [handle for handle, _ in storage.tables.find_tracks({})]
    month = month_of(day_of(midnight))
    found = storage.tables.blocks(handles, range(month, month + 1))

    ends = [decode_whole(one.days, one.month)[0] for one in found if one.days is not None]
    assert ends == [hour_of(midnight + DAY)] * (2 + 9)


def test_a_transaction_takes_no_more_than_it_should(storage: SqliteStorage) -> None:
    """A month of more is sealed by days, and nothing of it is left to be read."""
    june = datetime(2016, 6, 1, tzinfo=UTC)
    keep(
        storage,
        *(
            sample(id=f"busy-{n}", timestamp=june + n % 3 * DAY + n * timedelta(milliseconds=1))
            for n in range(36_000)
        ),
    )
    taken = list(storage.seal(june + 3 * DAY))

    assert sum(taken) == 36_000 + (288 + 144) + 2 * (12 + 6)
    assert max(taken) == 12_000
    assert effort(storage, range=Range(june, june + 3 * DAY)) == (1, 1, 0)


def test_an_old_month_that_was_sealed_in_part_is_sealed_further(storage: SqliteStorage) -> None:
    """Late samples of more than a transaction takes: what is struck and not yet sealed stays so."""
    may = datetime(2015, 5, 1, tzinfo=UTC)
    keep(
        storage,
        *(
            sample(id=f"late-{n}", timestamp=may + n % 3 * DAY + n * timedelta(milliseconds=1))
            for n in range(36_000)
        ),
    )
    sealing = storage.seal(MIDNIGHT + 3 * DAY)
    while next(sealing) != 12_000:
        pass
    sealing.close()  # type: ignore[attr-defined]
    list(storage.seal(MIDNIGHT + 3 * DAY))

    assert effort(storage, range=Range(may, may + 31 * DAY)) == (1, 1, 0)


def test_struck_days_are_read_some_at_a_time(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a month has too many of them for one transaction, of tracks and rollups alike."""
    keep(storage, *(sample(id=f"late {n}", timestamp=MIDNIGHT + n * DAY) for n in range(3)))
    monkeypatch.setattr(sealer, "_READINGS_AT_ONCE", 1)
    taken = list(storage.seal(MIDNIGHT + 3 * DAY))

    # The days of the track, of which one has 145 readings, and those of the rollup, all sealed.
    assert taken == [145, 289, 289, 0, 0, 0]
    assert effort(storage, range=Range(MIDNIGHT, MIDNIGHT + 3 * DAY)) == (2, 2, 0)
    assert [found for one in storage.verify() for found in one.contradictions] == []


def test_no_more_of_the_last_day_is_sealed_than_is_over(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a month is sealed by days: nobody would strike what is recorded later."""
    monkeypatch.setattr(sealer, "_READINGS_AT_ONCE", 1)
    midnight = MIDNIGHT + 3 * DAY
    list(storage.seal(midnight + 5 * HOUR))

    assert effort(storage, range=Range(MIDNIGHT, midnight + 6 * HOUR)) == (2, 2, 12)


def test_a_month_that_is_not_its_days_is_found(
    storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Summary of all of them is looked at too, of tracks and rollups."""

    def wrong(block: Block, month: int, together: Combine) -> bytes:
        return encode_days(block, month, lambda days: structs.replace(together(days), count=99))

    monkeypatch.setattr(sealing, "encode_days", wrong)
    keep(storage, *(sample(id=f"late {n}", timestamp=MIDNIGHT + n * DAY) for n in range(3)))
    list(storage.seal(MIDNIGHT + 3 * DAY))

    assert [one for inspection in storage.verify() for one in inspection.contradictions] == [
        "meter cpu of resource vm-1: what was sealed of 2015-06 is not what its days are together",
        "meter cpu of project p-1: what was sealed of 2015-06 is not what its days are together",
    ]


def test_damage_to_a_block_is_found(storage: SqliteStorage) -> None:
    """A sample that went without a strike contradicts what was sealed of the track and of all."""
    with storage.tables._connections.transaction() as connection:
        connection.execute("DELETE FROM samples WHERE id = 'a200'")
    found = [one for inspection in storage.verify() for one in inspection.contradictions]

    assert found == [
        "meter cpu of resource vm-1: what was sealed of 2015-06-02 is not in its samples",
        "meter cpu of project p-1: what was sealed of 2015-06-02 is not in its samples",
    ]
