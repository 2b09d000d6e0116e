"""Callers and what they are confined to."""

import pytest

from metering.api.scope import Caller
from metering.errors import Forbidden
from metering.model import AllProjects, Project, Scope


@pytest.mark.parametrize(
    ("caller", "expected"),
    [
        (Caller(is_admin=True), AllProjects()),
        (Caller(is_admin=True, project_id="p"), AllProjects()),
        (Caller(project_id="p"), Project("p")),
        (Caller(project_id="p", roles=("admin",)), Project("p")),
    ],
)
def test_scope(caller: Caller, expected: Scope) -> None:
    """An administrator sees all, everybody else the own project."""
    assert expected == caller.scope


def test_only_administrators_may_ask_for_explanations() -> None:
    """Who reads all projects may not: the store is not theirs to look into."""
    Caller(is_admin=True).check_may_explain()
    with pytest.raises(Forbidden, match="explain is for administrators"):
        Caller(project_id="p", reads_all=True).check_may_explain()


@pytest.mark.parametrize("caller", [Caller(), Caller(project_id=""), Caller(user_id="u")])
def test_no_scope(caller: Caller) -> None:
    """Who has no project sees nothing."""
    with pytest.raises(Forbidden):
        _ = caller.scope
