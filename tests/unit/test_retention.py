"""Horizons only move on, and policies are days before midnight."""

from datetime import UTC, datetime

import pytest
from builders import LATER, NOON, submission
from hypothesis import given
from hypothesis import strategies as st

from metering.retention import Expiry, Horizons, Policy, becomes_spent
from metering.times import FIRST

METERS = ["a", "b", "c"]
instants = st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
horizons = st.builds(Horizons, instants, st.dictionaries(st.sampled_from(METERS), instants))


def of_each(one: Horizons) -> list[datetime]:
    """The horizon of each meter, and of one that nobody names."""
    return [one.of(meter) for meter in [*METERS, "unnamed"]]


@given(horizons, horizons)
def test_joined_is_the_later_for_each_meter(one: Horizons, other: Horizons) -> None:
    """No meter has a horizon before either of the two."""
    later = [max(pair) for pair in zip(of_each(one), of_each(other), strict=True)]

    assert later == of_each(one.joined(other))
    assert later == of_each(other.joined(one))


@given(horizons)
def test_joined_with_none_or_itself_changes_nothing(one: Horizons) -> None:
    """Neither moves a horizon."""
    assert of_each(one) == of_each(one.joined(Horizons())) == of_each(one.joined(one))


def test_policy_counts_from_midnight() -> None:
    """The day is that of UTC, whatever the hour; 0 keeps for ever."""
    found = Policy(1, {"b": 31, "c": 0}).horizons(NOON)

    assert found.of("a") == datetime(2015, 5, 31, tzinfo=UTC)
    assert found.of("b") == datetime(2015, 5, 1, tzinfo=UTC)
    assert found.of("c") == FIRST
    assert found == Policy(1, {"b": 31, "c": 0}).horizons(LATER.replace(day=1, hour=23))


def test_policy_keeps_for_ever_by_default() -> None:
    """Nothing expires that nobody limits."""
    assert Policy().horizons(NOON) == Horizons()


@pytest.mark.parametrize(("at", "is_covered"), [(NOON, True), (LATER, False)])
def test_expiry_is_half_open(at: datetime, is_covered: bool) -> None:
    """What lies on the horizon has not expired."""
    assert Expiry(Horizons(LATER)).covers(submission(timestamp=at)) is is_covered


def test_a_time_that_the_server_chose_is_not_looked_at() -> None:
    """Only the key says whether it is a retry."""
    mine = submission(completed=["timestamp"])

    assert not Expiry(Horizons(LATER)).covers(mine)
    assert Expiry(Horizons(), {mine.sample.key}).covers(mine)
    assert not Expiry(Horizons(), {mine.sample.key}).covers(submission())


def test_a_key_is_spent_when_the_server_chose_the_time() -> None:
    """What it chose is the instant of recording."""
    assert becomes_spent(NOON, NOON)
    assert not becomes_spent(NOON, LATER)
