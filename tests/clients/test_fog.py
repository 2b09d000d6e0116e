"""Requests as fog-openstack, the Ruby client, sends them: conditions in the body of a GET."""

from decimal import Decimal
from typing import Any

import pytest
from clients.asking import ask

HEADERS = {"Accept": "application/json", "X-Auth-Token": "a-token", "User-Agent": "fog-core/2.6.0"}
EVERYTHING = 10_000_000


def fog(address: str, path: str, body: Any = None) -> tuple[int, Any]:
    """The answer to a GET of fog's."""
    return ask(address, "GET", path, body, HEADERS)


def condition(field: str, operator: str, value: str) -> dict[str, str]:
    """An element of `q`."""
    return {"field": field, "op": operator, "value": value}


def test_samples_of_a_meter_without_end(address_with_usage: str) -> None:
    """A limit far above the service's own is cut to that."""
    query = [condition("timestamp", "ge", "2024-06-01T00:30:00"), condition("user", "eq", "bob")]
    asked = {"q": query, "limit": EVERYTHING}
    status, samples = fog(address_with_usage, "/v2/meters/cpu", asked)
    assert (200, ["c4", "c3"]) == (status, [sample["message_id"] for sample in samples])
    status, samples = fog(address_with_usage, "/v2/meters/cpu", {"q": [], "limit": EVERYTHING})
    assert (200, 4) == (status, len(samples))


def test_statistics_without_a_period(address_with_usage: str) -> None:
    """A null is no period."""
    path = "/v2/meters/cpu/statistics"
    status, (row,) = fog(address_with_usage, path, {"period": None, "q": []})
    assert (200, Decimal("17.5"), 0, None) == (status, row["sum"], row["period"], row["groupby"])


def test_statistics_with_a_period_and_conditions(address_with_usage: str) -> None:
    """A number is one, and conditions narrow the range."""
    query = [condition("timestamp", "gt", "2024-06-01T00:00:00"), condition("project", "", "acme")]
    asked = {"period": 3600, "q": query}
    status, (row,) = fog(address_with_usage, "/v2/meters/cpu/statistics", asked)
    assert (200, Decimal("2.5"), 3600) == (status, row["sum"], row["period"])


@pytest.mark.parametrize(
    ("path", "count"), [("/v2/meters", 7), ("/v2/resources", 7), ("/v2/samples", 9)]
)
@pytest.mark.parametrize("body", [None, {}, {"q": []}, {"q": None}])
def test_lists_without_conditions(
    address_with_usage: str, path: str, count: int, body: dict[str, Any] | None
) -> None:
    """No body, an empty object and an empty `q` ask for the same."""
    status, rows = fog(address_with_usage, path, body)
    assert (200, count) == (status, len(rows))


def test_one_sample_and_one_resource(address_with_usage: str) -> None:
    """By id, with the content type of a body that is not there."""
    status, sample = fog(address_with_usage, "/v2/samples/c2")
    assert (200, Decimal("2.5")) == (status, sample["volume"])
    status, resource = fog(address_with_usage, "/v2/resources/vm-2")
    assert (200, "bob") == (status, resource["user_id"])


def test_a_parameter_in_body_and_url_is_refused(address_with_usage: str) -> None:
    """As v2 refused it, in v2's words."""
    status, answer = fog(address_with_usage, "/v2/meters/cpu?limit=1", {"limit": 2})
    assert 400 == status
    assert "given several times" in answer["error_message"]["faultstring"]
