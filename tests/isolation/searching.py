"""The search for a question whose answer shows that others exist."""

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

from api.client import kept
from hypothesis import given, settings
from hypothesis import strategies as st
from isolation.described import Operation
from isolation.questions import Question, questions
from isolation.tenants import OWN
from isolation.twins import Auth, Twins, opened

from metering.model import Sample
from metering.storage.base import Storage


def search(twins: Twins, operation: Operation, effort: settings) -> Counter[int]:
    """Ask for the operation in every way; how often each status was the answer.

    Raises:
        AssertionError: an answer was not that of a store without others.
    """
    statuses: Counter[int] = Counter()

    @effort
    @given(questions(operation))
    def check(question: Question) -> None:
        statuses[twins.ask(question).status_int] += 1

    check()
    return statuses


def search_after_writing(
    auth: Auth,
    fresh: Callable[[], AbstractContextManager[Storage]],
    operations: list[Operation],
    effort: settings,
) -> Counter[int]:
    """Write and read in turns; how often each status was the answer.

    Raises:
        AssertionError: an answer was not that of a store without others, or others have not
            what they had, or what was written is not the own.
    """
    statuses: Counter[int] = Counter()
    writing = st.one_of(*(questions(one) for one in operations if one.writes))
    reading = st.one_of(*(questions(one) for one in operations if not one.writes))

    @effort
    @given(st.lists(st.tuples(writing, reading), min_size=5, max_size=10))
    def check(turns: list[tuple[Question, Question]]) -> None:
        with opened(auth, fresh) as twins:
            kept_of_others, view = of_others(twins.shared), twins.view_of_others()
            for question in (one for turn in turns for one in turn):
                statuses[twins.ask(question).status_int] += 1
            assert kept_of_others == of_others(twins.shared)
            assert view == twins.view_of_others()
            assert kept(twins.alone) == of_the_caller(twins.shared)
            assert set() == twins.names_of_tenants_in_public()

    check()
    return statuses


def of_others(storage: Storage) -> list[Sample]:
    """The samples of everybody else."""
    return [one for one in kept(storage) if one.series.project_id != OWN]


def of_the_caller(storage: Storage) -> list[Sample]:
    """The samples of the project that asks."""
    return [one for one in kept(storage) if one.series.project_id == OWN]
