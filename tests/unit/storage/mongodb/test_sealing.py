"""Writers and the sealer between any two of their steps: no sample is missing from what is sealed.

Whoever is held up waits while the other does all of its work, and then goes on.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from builders import NOON, sample, submission
from contract.asking import keep, record, samples, summary, total, totals
from pymongo.collection import Collection as MongoCollection

from metering.errors import Misconfigured
from metering.model import Outcome
from metering.retention import Horizons
from metering.storage import folding
from metering.storage.base import Effort
from metering.storage.mongodb import MongoStorage, questions, sealing, writing
from metering.storage.mongodb.expiring import read_watermarks
from metering.storage.spans import day_of, month_of
from metering.times import Range

MIDNIGHT = datetime(2015, 6, 2, tzinfo=UTC)
DAY = timedelta(days=1)
LATE = submission(id="late", volume=1000)


@pytest.fixture
def other(url: str, storage: MongoStorage) -> Iterator[MongoStorage]:
    """Another process's view of the store, which has one sample."""
    keep(storage, sample())
    with closing(MongoStorage.open(url, timeout_seconds=20)) as store:
        yield store


@pytest.fixture
def one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """All strikes of a block meet in one document."""
    monkeypatch.setattr(sealing, "randrange", lambda _: 0)


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, place: Any, name: str, do: Callable[[], Any], *, call: int = 1
) -> None:
    """Do something just before the n-th call of a function, once."""
    function, calls = getattr(place, name), []

    def held_up(*arguments: Any, **named: Any) -> Any:
        calls.append(name)
        if len(calls) == call:
            do()
        return function(*arguments, **named)

    monkeypatch.setattr(place, name, held_up)


def die() -> None:
    """Come to an end between two steps, as a process that is killed."""
    raise KeyboardInterrupt


def seal(storage: MongoStorage, until: datetime = MIDNIGHT) -> None:
    """Seal all days before."""
    list(storage.seal(until))


def assert_all_there(storage: MongoStorage, count: int = 2) -> None:
    """All samples count, nothing contradicts, and after sealing once more neither."""
    for _ in range(2):
        assert summary(storage).count == total(storage).count == count
        assert [one for found in storage.verify() for one in found.contradictions] == []
        seal(storage)
    for ask in (summary, total):
        effort = Effort()
        ask(storage, effort=effort)
        assert (effort.pieces, effort.samples) == (1, 0)


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize("step", ["strike", "read_watermarks", "verdicts_in_order"])
def test_a_writer_that_knows_of_no_seal(
    storage: MongoStorage,
    other: MongoStorage,
    monkeypatch: pytest.MonkeyPatch,
    atomic: bool,
    step: str,
) -> None:
    """It is held up before or after its insert while the day is sealed; then it strikes."""
    record(other, submission())
    meanwhile(monkeypatch, writing, step, lambda: seal(storage))

    assert record(other, LATE, atomic=atomic) == [Outcome.STORED]
    assert_all_there(storage)


@pytest.mark.parametrize("step", ["in_transaction", "strike"])
@pytest.mark.parametrize("atomic", [False, True])
def test_a_late_writer(
    storage: MongoStorage,
    other: MongoStorage,
    monkeypatch: pytest.MonkeyPatch,
    atomic: bool,
    step: str,
) -> None:
    """It is held up before its transaction, or in it before the strike, while others seal."""
    seal(storage)
    record(other, submission())
    seal(storage)
    meanwhile(monkeypatch, writing, step, lambda: seal(storage, MIDNIGHT + DAY))

    assert record(other, LATE, atomic=atomic) == [Outcome.STORED]
    assert_all_there(storage)


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize(
    ("step", "call"),
    [
        ("blocks", 1),
        ("samples_of", 1),
        ("keep", 1),
        pytest.param("blocks", 2, id="of rollups"),
        pytest.param("members", 1, id="members"),
        pytest.param("blocks", 3, id="of members"),
        pytest.param("keep", 2, id="keep rollups"),
    ],
)
@pytest.mark.parametrize("is_struck", [False, True])
def test_a_sealer_in_its_transaction(  # noqa: PLR0913, PLR0917 - every case in one
    storage: MongoStorage,
    other: MongoStorage,
    monkeypatch: pytest.MonkeyPatch,
    one_document: None,
    atomic: bool,
    step: str,
    call: int,
    is_struck: bool,
) -> None:
    """It is held up before it reads or writes while a late sample is recorded: it begins anew."""
    told: list[Outcome] = []
    if is_struck:
        seal(storage)
        keep(other, sample(id="late too"))
    meanwhile(
        monkeypatch,
        sealing._Transaction,
        step,
        lambda: told.extend(record(other, LATE, atomic=atomic)),
        call=call,
    )
    seal(storage)

    assert told == [Outcome.STORED]
    assert_all_there(storage, 2 + is_struck)


def test_a_sealer_before_its_transaction(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that knows less than is published stores plainly, and strikes."""
    record(other, submission())
    meanwhile(monkeypatch, storage.tables, "transact", lambda: record(other, LATE))
    seal(storage)

    assert_all_there(storage)


def test_a_writer_that_dies_before_it_strikes(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it stored counts as soon as it is sent again."""
    record(other, submission())

    with monkeypatch.context() as patch:
        meanwhile(patch, writing, "verdicts_in_order", lambda: seal(storage))
        meanwhile(patch, writing, "read_watermarks", die)
        with pytest.raises(KeyboardInterrupt):
            record(other, LATE)

    assert record(storage, LATE) == [Outcome.DUPLICATE]
    assert_all_there(storage)


def test_a_sealer_waits_out_writers(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that dies before it strikes, and is never retried, has stored by then."""
    record(other, submission())

    def record_and_die() -> None:
        with monkeypatch.context() as patch:
            meanwhile(patch, writing, "read_watermarks", die)
            with pytest.raises(KeyboardInterrupt):
                record(other, LATE)

    # Not that of everybody: other threads sleep as well.
    monkeypatch.setattr(sealing, "time", SimpleNamespace(sleep=lambda _: record_and_die()))
    list(storage.seal(MIDNIGHT, settle_seconds=60))
    monkeypatch.undo()

    assert_all_there(storage)


def test_what_is_known_is_known_for_a_while(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later it is read again before anything is stored, so the insert strikes."""
    record(other, submission())
    known, read_at = other.tables._writer._remembered
    other.tables._writer._remembered = known, read_at - 59
    seal(storage)
    transactions: list[int] = []
    meanwhile(monkeypatch, writing, "in_transaction", lambda: transactions.append(1))

    assert record(other, LATE) == [Outcome.STORED]
    assert transactions == [1]


def test_samples_that_are_deleted_while_others_seal(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block made from what was there before is struck when the samples are gone."""
    keep(storage, sample(id="stays", timestamp=MIDNIGHT - timedelta(hours=1)))
    storage.retire(Horizons(MIDNIGHT - timedelta(hours=2)))
    steps = []
    meanwhile(monkeypatch, sealing, "strike", lambda: steps.append(seal(other)), call=1)

    assert sum(storage.purge(storage.horizons())) == 1
    assert steps
    assert_all_there(storage, 1)


def test_a_second_sealer_waits_too(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as the days are not sealed: there may be a writer that knows nothing of the first."""
    waits: list[float] = []
    monkeypatch.setattr(sealing, "time", SimpleNamespace(sleep=waits.append))
    storage.seal(MIDNIGHT, settle_seconds=60).close()  # type: ignore[attr-defined]
    for _ in range(2):
        next(storage.seal(MIDNIGHT, settle_seconds=60))
    list(storage.seal(MIDNIGHT, settle_seconds=60))
    list(storage.seal(MIDNIGHT, settle_seconds=60))

    assert waits == [60] * 3


def test_a_read_that_conflicts_is_begun_anew(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transient error of a read in the transaction is MongoDB's way to ask for it."""
    conflict = {
        "failCommands": ["find"],
        "errorCode": 112,
        "errorLabels": ["TransientTransactionError"],
    }

    def fail_once() -> None:
        admin = other.tables._connection.client.admin
        admin.command("configureFailPoint", "failCommand", mode={"times": 1}, data=conflict)

    meanwhile(monkeypatch, sealing._Transaction, "samples_of", fail_once)
    seal(storage)

    assert_all_there(storage, 1)


def test_a_sample_that_expires_while_it_is_recorded(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came before the horizon did: it is stored, counts, and goes with the others."""
    seal(storage)

    def seal_and_retire() -> None:
        seal(storage)
        storage.retire(Horizons(MIDNIGHT))

    record(other, submission())
    meanwhile(monkeypatch, writing, "read_watermarks", seal_and_retire, call=2)

    assert record(other, LATE) == [Outcome.STORED]
    assert_all_there(storage)
    assert sum(storage.purge(storage.horizons())) == 2
    assert [one for found in storage.verify() for one in found.contradictions] == []


def test_a_sample_that_is_taken_back_from_a_sealed_day(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had expired when it was stored, and was sealed before that was found out."""
    keep(storage, sample(id="stays", timestamp=MIDNIGHT - timedelta(hours=1)))
    record(other, submission())
    storage.retire(Horizons(MIDNIGHT - timedelta(hours=2)))
    list(storage.purge(storage.horizons()))
    meanwhile(monkeypatch, writing, "delete_found", lambda: seal(storage))

    assert record(other, LATE) == [Outcome.EXPIRED]
    assert_all_there(storage, 1)


@pytest.mark.parametrize("is_sealed", [False, True])
def test_a_refused_batch_takes_nothing_back(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch, is_sealed: bool
) -> None:
    """A horizon moves while it is refused, and somebody else stores what it has of new samples."""
    if is_sealed:
        seal(storage)
    record(other, submission())
    young = submission(id="young", timestamp=MIDNIGHT + DAY)

    def store_and_retire() -> None:
        assert record(storage, young) == [Outcome.STORED]
        storage.retire(Horizons(MIDNIGHT))

    meanwhile(monkeypatch, writing, "has_refusal", store_and_retire)
    told = record(other, young, submission(volume=2), atomic=True)

    assert told == [Outcome.STORED, Outcome.EXPIRED]
    assert [one.id for one in samples(storage)] == ["young", "s-1"]


def test_a_refused_batch_takes_back_nothing_of_others(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has expired in it may be, under the same key, a young sample of somebody else."""
    record(other, submission(id="taken", timestamp=MIDNIGHT + DAY))
    young = submission(id="free", timestamp=MIDNIGHT + DAY)

    def store_and_retire() -> None:
        assert record(storage, young) == [Outcome.STORED]
        storage.retire(Horizons(MIDNIGHT))

    meanwhile(monkeypatch, writing, "has_refusal", store_and_retire)
    old = submission(id="free", timestamp=MIDNIGHT - DAY)
    conflict = submission(id="taken", timestamp=MIDNIGHT + DAY, volume=2)
    told = record(other, old, conflict, atomic=True)

    assert told == [Outcome.EXPIRED, Outcome.CONFLICT]
    assert {one.id for one in samples(storage)} >= {"free", "taken"}


def test_a_batch_that_expires_was_never_there(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that a sample is stored which goes with the rest of a batch."""
    record(other, submission())
    young = submission(id="young", timestamp=MIDNIGHT + DAY)
    meanwhile(monkeypatch, writing, "in_transaction", lambda: storage.retire(Horizons(MIDNIGHT)))
    monkeypatch.setattr(writing, "delete_found", None)

    assert record(other, young, LATE, atomic=True) == [Outcome.STORED, Outcome.EXPIRED]
    assert [one.id for one in samples(storage)] == ["s-1"]


def test_a_writer_that_died_with_a_day_in_its_hands(
    storage: MongoStorage, other: MongoStorage, one_document: None
) -> None:
    """Its transaction keeps nobody from the days that it had struck for longer than seconds."""
    seal(storage)
    days = {(sample().series.track.digest, day_of(sample().timestamp))}
    with storage.tables._connection.client.start_session() as session:
        session.start_transaction()
        run = read_watermarks(storage.tables._connection).run
        sealing.strike(storage.tables._connection, days, run, session)

        assert record(other, LATE) == [Outcome.STORED]
    assert_all_there(storage)


@pytest.mark.parametrize(("step", "call"), [("samples_of", 1), ("keep", 1), ("keep", 2)])
def test_a_strike_in_a_document_that_is_taken_away(  # noqa: PLR0913, PLR0917 - every case in one
    storage: MongoStorage,
    other: MongoStorage,
    monkeypatch: pytest.MonkeyPatch,
    one_document: None,
    step: str,
    call: int,
) -> None:
    """Of a writer who knows of no new run: the same day once more, and the sealer begins anew."""
    seal(storage)
    keep(other, sample(id="late too"))
    known = read_watermarks(other.tables._connection)
    with monkeypatch.context() as patch:
        of_old_run = partial(_strike_of, sealing.strike, known.run)
        patch.setattr(writing, "strike", of_old_run)
        meanwhile(patch, sealing._Transaction, step, lambda: record(other, LATE), call=call)
        seal(storage)

    assert_all_there(storage, 3)


def _strike_of(strike: Callable[..., None], run: int, *arguments: Any) -> None:
    connection, days, _, session = arguments
    strike(connection, days, run, session)


@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("again", [False, True])
def test_unsealed_while_somebody_seals(
    storage: MongoStorage,
    other: MongoStorage,
    monkeypatch: pytest.MonkeyPatch,
    call: int,
    again: bool,
) -> None:
    """Who keeps a block afterwards, which a late sample is not in, does not hide the sample."""

    def record_and_unseal() -> None:
        assert record(other, LATE) == [Outcome.STORED]
        if again:
            seal(other)
        other.unseal()

    meanwhile(monkeypatch, sealing._Transaction, "keep", record_and_unseal, call=call)
    seal(storage)

    assert_all_there(storage)


def test_hours_are_forgotten_with_their_day(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once it has expired, those of its track and of its rollup."""
    monkeypatch.setattr(folding, "READINGS_FOR_HOURS", 1)
    seal(storage)
    hours = storage.tables._connection.hours
    assert hours.count_documents({}) == 2

    storage.retire(Horizons(MIDNIGHT))
    list(storage.purge(storage.horizons()))
    seal(storage)
    assert hours.count_documents({}) == 0


def test_hours_are_kept_with_their_block_or_not_at_all(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes to an end before the transaction does has changed nothing."""
    monkeypatch.setattr(folding, "READINGS_FOR_HOURS", 1)
    seal(storage)
    keep(other, sample(id="late"))
    hours = storage.tables._connection.hours
    before = hours.find().sort("_id").to_list()
    kept = sealing._Transaction.keep

    def keep_and_die(*arguments: Any) -> None:
        kept(*arguments)
        die()

    with monkeypatch.context() as patch:
        patch.setattr(sealing._Transaction, "keep", keep_and_die)
        with pytest.raises(KeyboardInterrupt):
            seal(storage)

    assert hours.find().sort("_id").to_list() == before
    assert_all_there(storage)


@pytest.mark.parametrize("call", [1, 2, 3])
def test_unsealing_that_is_killed(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    """Between any of its steps: nothing contradicts, and what is sealed again has its hours."""
    monkeypatch.setattr(folding, "READINGS_FOR_HOURS", 1)
    seal(storage)
    with monkeypatch.context() as patch:
        meanwhile(patch, MongoCollection, "delete_many", die, call=call)
        with pytest.raises(KeyboardInterrupt):
            storage.unseal()

    assert_all_there(storage, 1)
    effort = Effort()
    summary(storage, range=Range(NOON, None), effort=effort)
    assert (effort.pieces, effort.samples) == (1, 0)


def test_blocks_that_are_sealed_while_all_are_forgotten(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their hours may be forgotten after them, so they are as well."""
    monkeypatch.setattr(folding, "READINGS_FOR_HOURS", 1)
    seal(storage)
    with monkeypatch.context() as patch:
        meanwhile(patch, MongoCollection, "delete_many", lambda: seal(other), call=2)
        storage.unseal()

    assert storage.tables._connection.blocks.count_documents({"is_block": True}) == 0
    assert_all_there(storage, 1)


def test_late_samples_do_not_keep_anybody_from_sealing(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch, one_document: None
) -> None:
    """Each transaction meets one, and is none the less done the first time."""
    seal(storage)
    keep(other, sample(id="late too"))
    keeps = []
    kept = sealing._Transaction.keep

    def record_and_keep(*arguments: Any) -> None:
        keep(other, sample(id=f"later {len(keeps)}", resource_id=f"vm-{len(keeps)}"))
        keeps.append(kept(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(sealing._Transaction, "keep", record_and_keep)
        seal(storage)
    assert len(keeps) == 2
    assert total(storage).count == 4


def test_a_rollup_that_is_new_while_somebody_seals(
    storage: MongoStorage, other: MongoStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is struck of it is not taken for a track."""
    seal(storage)
    news = sample(id="new", project_id="new")
    meanwhile(monkeypatch, storage.tables, "struck", lambda: keep(other, news))
    seal(storage)
    seal(storage)

    assert sum(one.count for one in totals(storage).values()) == 2
    assert [one for found in storage.verify() for one in found.contradictions] == []


def test_a_standalone_server_seals_nothing(standalone: Any) -> None:
    """It has no transactions, and says so."""
    url = standalone.url("unsealed")
    with closing(MongoStorage.open(url, timeout_seconds=20)) as store:
        store.prepare()
        keep(store, sample())
        with pytest.raises(Misconfigured, match="replica set"):
            seal(store)
        assert summary(store).count == 1


def test_what_is_struck_is_read_before_the_block(
    storage: MongoStorage, other: MongoStorage
) -> None:
    """Of several strikes each has a document, and the block's is the last of them."""
    seal(storage)
    for number in range(40):
        keep(other, sample(id=f"late {number}", timestamp=NOON + timedelta(seconds=number)))
    month = month_of(day_of(NOON))
    track = sample().series.track
    handles = [track.digest, track.rollup.digest]
    find = questions.blocks(handles, range(month, month + 1))
    kept = [one["of"] for one in storage.tables._connection.blocks.find(**find)]
    are_blocks = ["days" in one for one in storage.tables._connection.blocks.find(**find)]

    assert kept == sorted(kept)
    assert set(kept) == set(handles)
    assert 4 < len(kept) <= 2 * 17
    for handle in handles:
        found = [is_block for of, is_block in zip(kept, are_blocks, strict=True) if of == handle]
        assert found == [False] * (len(found) - 1) + [True]
    assert_all_there(storage, 41)
    assert storage.tables._connection.blocks.count_documents({}) == 2
