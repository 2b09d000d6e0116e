"""Whatever a member writes, others keep what they had, and no verdict tells that they exist."""

from http import HTTPStatus

from contract.stores import Driver
from isolation.effort import ALL, effort_with_stores
from isolation.searching import search_after_writing
from isolation.twins import Auth

EXAMPLES = 5


def test_others_are_left_alone(driver: Driver, auth: Auth) -> None:
    """Ids, sources, resources and projects of others can be named, and are not touched."""
    statuses = search_after_writing(auth, driver.fresh, ALL, effort_with_stores(EXAMPLES))

    assert statuses[HTTPStatus.CREATED]
    assert statuses[HTTPStatus.OK]
