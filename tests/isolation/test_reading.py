"""Whatever a member asks, the answer is that of a store without the samples of others.

At least 6,000 questions in a run: every operation of the service's own document, with every
parameter, over every driver.
"""

from http import HTTPStatus

import pytest
from isolation.described import Operation
from isolation.effort import READING, effort, questions_for
from isolation.questions import Question
from isolation.searching import search
from isolation.tenants import FOREIGN
from isolation.twins import Twins

ELSEWHERE = [
    *("/v2", "/v2/", "/v2/alarms", f"/v2/alarms/{FOREIGN}", f"/v2/query/alarms/{FOREIGN}"),
    *(f"/{FOREIGN}", f"/v2/{FOREIGN}", f"/v2/meters/{FOREIGN}/x"),
]


@pytest.mark.parametrize("operation", READING, ids=lambda one: one.name)
def test_others_do_not_exist(twins: Twins, operation: Operation) -> None:
    """No body, header, count, error or link shows anything of another project."""
    wanted = questions_for(operation)

    statuses = search(twins, operation, effort(wanted))

    assert statuses[HTTPStatus.OK]
    assert not (operation.parameters and statuses.total() < wanted)


@pytest.mark.parametrize("path", ELSEWHERE)
def test_nor_where_nothing_is(twins: Twins, path: str) -> None:
    """Paths that lead nowhere lead nowhere for everybody."""
    assert twins.ask(Question(method="GET", path=path)).status_int >= HTTPStatus.BAD_REQUEST
