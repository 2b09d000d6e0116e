"""`Storage.totals`: exact figures of all series of a rollup together, by window."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from builders import NOON, after_noon, sample
from contract.asking import EVERYONE, keep, record, total, totals

from metering.model import MeterType, Outcome, Project, Rollup, Submission
from metering.query import FIELDS, AllOf, AnyOf, Comparison, Filter, Not, Operator, SummaryQuery
from metering.retention import Horizons
from metering.storage.base import Effort, Storage
from metering.summary import Reading, Summary
from metering.times import FixedWindows, Range, WholeRange

CPU = Rollup("cpu", MeterType.GAUGE, "core", "p-1")
MIDNIGHT = datetime(2015, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def equal(name: str, value: str | None) -> Filter:
    """That a field has a value."""
    return Comparison(FIELDS[name], Operator.EQ, value)


def counts(storage: Storage, **query: Any) -> dict[Rollup, int]:
    """How many samples each rollup has, in one window."""
    return {rollup: one.count for (rollup, _), one in totals(storage, **query).items()}


def both(storage: Storage, **query: Any) -> dict[tuple[Rollup, Range], Summary]:
    """The totals, which are those of before, after all days were sealed, and unsealed again."""
    before = totals(storage, **query)
    list(storage.seal(MIDNIGHT + 30 * DAY))
    sealed = totals(storage, **query)
    storage.unseal()

    assert before == sealed == totals(storage, **query)
    return before


def test_empty_store(storage: Storage) -> None:
    """Where there are no samples there is nothing, sealed or not."""
    assert both(storage) == {}


def test_all_figures(storage: Storage) -> None:
    """Those of readings, first and last by time; of what lies between them nothing is said."""
    keep(
        storage,
        sample(id="1", volume=3, timestamp=after_noon(0)),
        sample(id="2", volume=1, timestamp=after_noon(10), resource_id="vm-2"),
        sample(id="3", volume=5, timestamp=after_noon(20)),
        sample(id="4", volume=2, timestamp=after_noon(100_000), resource_id="vm-2"),
    )
    (found,) = both(storage).values()

    assert found == Summary(
        count=4,
        sum=Decimal(11),
        sum_of_squares=Decimal(39),
        min=Decimal(1),
        max=Decimal(5),
        first=Reading(NOON, Decimal(3)),
        last=Reading(after_noon(100_000), Decimal(2)),
        increase=Decimal(0),
        resets=0,
        unit_seconds=Decimal(0),
        longest_gap_seconds=Decimal(0),
    )


def test_equal_instants(storage: Storage) -> None:
    """Of readings at one instant the first is the least, the last the greatest, of all series."""
    for number, volume in enumerate((5, 3, 9)):
        keep(storage, sample(id=f"{number}", volume=volume, resource_id=f"vm-{number}"))
    found = total(storage)

    assert (found.first.volume, found.last.volume) == (3, 9)


def test_sums_are_exact(storage: Storage) -> None:
    """Far apart, of several series, and where they cancel."""
    volumes = ["1E+26", "1E-27", "-1E+26", "0.1"]
    for number, volume in enumerate(volumes):
        keep(storage, sample(id=f"{number}", volume=volume, resource_id=f"vm-{number}"))
    (found,) = both(storage).values()

    assert found.sum == Decimal("0.100000000000000000000000001")


def test_what_is_added_up(storage: Storage) -> None:
    """Resources, users, sources and descriptions; not other meters, units, types and projects."""
    others = [
        {"resource_id": "vm-2"},
        {"user_id": None},
        {"source": "other"},
        {"metadata": {"a": 1}},
        {"meter": "disk"},
        {"unit": "thread"},
        {"type": MeterType.DELTA},
        {"project_id": "p-2"},
        {"project_id": None},
    ]
    keep(storage, *(sample(id=f"{n}", **changes) for n, changes in enumerate([{}, *others])))

    found = {rollup: one.count for (rollup, _), one in both(storage).items()}
    assert found == {
        CPU: 5,
        CPU._replace(meter="disk"): 1,
        CPU._replace(unit="thread"): 1,
        CPU._replace(type=MeterType.DELTA): 1,
        CPU._replace(project_id="p-2"): 1,
        CPU._replace(project_id=None): 1,
    }


@pytest.mark.parametrize(
    ("filter_", "projects"),
    [
        (equal("project_id", "p-1"), {"p-1"}),
        (equal("project_id", None), {None}),
        (equal("meter", "cpu"), {"p-1", "p-2", None}),
        (equal("meter", "disk"), set()),
        (Comparison(FIELDS["project_id"], Operator.NE, "p-1"), {"p-2", None}),
        (Not(equal("project_id", "p-2")), {"p-1", None}),
        (AnyOf((equal("project_id", "p-1"), equal("project_id", "p-2"))), {"p-1", "p-2"}),
        (AllOf((equal("type", "gauge"), equal("unit", "core"))), {"p-1", "p-2", None}),
        (AllOf((equal("project_id", "p-1"), equal("unit", "s"))), set()),
    ],
)
def test_filters(storage: Storage, filter_: Filter, projects: set[str | None]) -> None:
    """By what a rollup is."""
    owners = ["p-1", "p-2", None]
    keep(storage, *(sample(id=f"{n}", project_id=one) for n, one in enumerate(owners)))

    assert {rollup.project_id for rollup, _ in totals(storage, filter=filter_)} == projects
    list(storage.seal(MIDNIGHT + DAY))
    assert {rollup.project_id for rollup, _ in totals(storage, filter=filter_)} == projects


def test_scope(storage: Storage) -> None:
    """Only what the caller may see, whatever was asked; nobody's is not everybody's."""
    owners = ["mine", "theirs", None]
    keep(storage, *(sample(id=f"{n}", project_id=one) for n, one in enumerate(owners)))
    for _ in range(2):
        assert counts(storage, scope=Project("mine")) == {CPU._replace(project_id="mine"): 1}
        assert counts(storage, scope=Project("mine"), filter=equal("project_id", "theirs")) == {}
        assert counts(storage, scope=Project("")) == {}
        list(storage.seal(MIDNIGHT + DAY))


@pytest.mark.parametrize(
    "windows",
    [
        FixedWindows(MIDNIGHT, 86_400),
        FixedWindows(NOON, 86_400),
        FixedWindows(MIDNIGHT, 3_600),
        FixedWindows(MIDNIGHT + DAY, 7 * 86_400),
        FixedWindows(NOON, 60),
    ],
)
@pytest.mark.parametrize(
    "range_",
    [
        Range(),
        Range(MIDNIGHT, MIDNIGHT + 3 * DAY),
        Range(NOON, MIDNIGHT + 3 * DAY + timedelta(minutes=1)),
        Range(after_noon(1), after_noon(30_000)),
        Range(MIDNIGHT + DAY, None),
    ],
)
def test_windows(storage: Storage, windows: FixedWindows, range_: Range) -> None:
    """Each sample is in one, of the half-open range; sealed days are as others."""
    series = [{"resource_id": "vm-2"}, {"metadata": {"a": 1}}, {"meter": "disk"}]
    for number, changes in enumerate(series):
        keep(
            storage,
            *(
                sample(id=f"{number}-{n}", timestamp=after_noon(9_000 * n), volume=n, **changes)
                for n in range(40)
            ),
        )
    found = both(storage, windows=windows, range=range_)
    instants = [after_noon(9_000 * n) for n in range(40)]

    assert sum(one.count for one in found.values()) == 3 * sum(at in range_ for at in instants)
    for (_, window), one in found.items():
        assert one.first.at in window
        assert one.last.at in window


def test_range_is_half_open(storage: Storage) -> None:
    """A sample at the start counts, one at the end does not; of an empty range nothing."""
    keep(storage, *(sample(id=f"{n}", timestamp=after_noon(n)) for n in range(3)))

    assert counts(storage, range=Range(NOON, after_noon(2))) == {CPU: 2}
    assert counts(storage, range=Range(NOON, NOON)) == {}
    assert list(storage.totals(SummaryQuery(scope=EVERYONE, windows=WholeRange(Range())))) != []


@pytest.mark.parametrize("atomic", [False, True])
@pytest.mark.parametrize(
    "changes",
    [{}, {"resource_id": "vm-9"}, {"metadata": {"a": 2}}, {"unit": "new"}, {"project_id": "new"}],
)
def test_late_samples_count(storage: Storage, changes: dict[str, Any], atomic: bool) -> None:
    """Of sealed days, of known and new series and rollups; also after sealing once more."""
    keep(storage, *(sample(id=f"{n}", timestamp=after_noon(40_000 * n)) for n in range(6)))
    list(storage.seal(MIDNIGHT + 30 * DAY))
    late = [
        Submission(sample(id=f"late {n}", timestamp=after_noon(40_000 * n + 1), **changes))
        for n in (1, 3)
    ]
    assert record(storage, *late, atomic=atomic) == [Outcome.STORED] * 2
    for _ in range(2):
        assert sum(counts(storage).values()) == 8
        assert sum(counts(storage, range=Range(MIDNIGHT, MIDNIGHT + 30 * DAY)).values()) == 8
        assert [found for one in storage.verify() for found in one.contradictions] == []
        list(storage.seal(MIDNIGHT + 30 * DAY))


def test_many_struck_days(storage: Storage) -> None:
    """Every other day has another sample than what was sealed."""
    keep(storage, *(sample(id=f"{n}", timestamp=MIDNIGHT + n * DAY) for n in range(20)))
    list(storage.seal(MIDNIGHT + 19 * DAY))
    keep(
        storage,
        *(
            sample(id=f"late {n}", timestamp=MIDNIGHT + n * DAY, resource_id="vm-2")
            for n in range(0, 20, 2)
        ),
    )

    assert counts(storage) == {CPU: 30}
    assert (
        sum(one.count for one in both(storage, windows=FixedWindows(MIDNIGHT, 86_400)).values())
        == 30
    )


def test_late_samples_of_two_months(storage: Storage) -> None:
    """To seal one month anew leaves what is struck of the other."""
    instants = [NOON, NOON + 40 * DAY]
    for number in range(3):
        keep(storage, *(sample(id=f"{number} {at}", timestamp=at) for at in instants))
        assert counts(storage) == {CPU: 2 * (number + 1)}
        list(storage.seal(NOON + 60 * DAY))
        assert counts(storage) == {CPU: 2 * (number + 1)}


@pytest.mark.parametrize("struck", [(0,), (0, 8), (8,)])
def test_sealing_less_far(storage: Storage, struck: tuple[int, ...]) -> None:
    """What was sealed further stays, though days were struck, before that day or after it."""
    keep(storage, *(sample(id=f"{n}", timestamp=NOON + n * DAY) for n in range(10)))
    list(storage.seal(MIDNIGHT + 20 * DAY))
    keep(storage, *(sample(id=f"late {n}", timestamp=NOON + n * DAY) for n in struck))
    list(storage.seal(MIDNIGHT + 3 * DAY))

    assert counts(storage) == {CPU: 10 + len(struck)}
    assert [one.count for one in both(storage).values()] == [10 + len(struck)]


def test_expired_samples_go(storage: Storage) -> None:
    """What is deleted is in no total, sealed or not."""
    keep(storage, *(sample(id=f"{n}", timestamp=after_noon(40_000 * n)) for n in range(6)))
    list(storage.seal(MIDNIGHT + 30 * DAY))
    storage.retire(Horizons(after_noon(80_000)))
    list(storage.purge(storage.horizons()))

    assert [one.count for one in both(storage).values()] == [4]


@pytest.mark.durable
def test_a_month_of_many_series_costs_a_piece(storage: Storage) -> None:
    """And nothing is read of series; a struck day costs what its series cost."""
    keep(storage, *(sample(id=f"{n}", resource_id=f"vm-{n}") for n in range(30)))
    list(storage.seal(MIDNIGHT + 30 * DAY))
    month = Range(MIDNIGHT, MIDNIGHT + 30 * DAY)
    effort = Effort()
    assert total(storage, range=month, effort=effort).count == 30
    assert effort == Effort(tracks=0, pieces=1, samples=0)

    keep(storage, sample(id="late", resource_id="vm-3"))
    effort = Effort()
    assert total(storage, range=month, effort=effort).count == 31
    assert effort.samples == 2
