"""/metrics: figures for Prometheus, by route and never by tenant."""

from typing import Any

import pytest
from api.client import Client, agent_sample, v2_sample
from api.conftest import Serve
from prometheus_client.parser import text_string_to_metric_families

from metering.errors import QueryTooExpensive, StorageUnavailable
from metering.storage.memory import MemoryStorage

SECRET = "tenant-x"  # noqa: S105 - a name to look for
SAMPLES = "metering_samples_total"
REQUESTS = "metering_http_requests_total"
SECONDS = "metering_http_request_duration_seconds"
# What Prometheus 3 sends.
SCRAPE = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def figures(client: Client) -> dict[tuple[str, ...], float]:
    """Each figure by its name and the values of its labels, in order of their names."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for family in families
        for one in family.samples
    }


def outcomes(client: Client) -> dict[str, float]:
    """The samples that were counted, by what became of them."""
    found = figures(client)
    return {name[1]: value for name, value in found.items() if name[0] == SAMPLES and value}


class Failing(MemoryStorage):
    """A store that fails in one way."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def record(self, *_: Any, **__: Any) -> Any:
        """Fail."""
        raise self.error


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_everybody_may_ask(proxied: Client, method: str) -> None:
    """A scraper has no token; the form is the one that Prometheus reads."""
    response = proxied.request(
        method, "/metrics", headers={"Accept": SCRAPE}, environ={"REMOTE_ADDR": "10.0.0.1"}
    )

    assert 200 == response.status_int
    assert {"text/plain", "version=0.0.4", "charset=utf-8"} == set(
        response.headers["Content-Type"].split("; ")
    )


def test_requests_are_counted_by_method_route_and_status(client: Client) -> None:
    """The label is the template of the path, not the path."""
    for resource in ("a", "b", "c/d"):
        client.get(f"/v2/resources/{resource}")
    client.get("/v2/meters/cpu/statistics?period=x")
    client.request("PUT", "/v2/meters")
    found = figures(client)

    assert 3 == found[REQUESTS, "GET", "/v2/resources/{resource_id...}", "404"]
    assert 1 == found[REQUESTS, "GET", "/v2/meters/{meter...}/statistics", "400"]
    assert 1 == found[REQUESTS, "PUT", "/v2/meters", "405"]
    assert 3 == found[f"{SECONDS}_count", "GET", "/v2/resources/{resource_id...}"]
    assert 3 == found[f"{SECONDS}_bucket", "+Inf", "GET", "/v2/resources/{resource_id...}"]


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_clients_make_no_labels(client: Client) -> None:
    """Paths that lead nowhere and methods that are none are one figure each."""
    before = len(figures(client))
    for number in range(20):
        client.get(f"/nowhere/{number}")
        client.request(f"M{number}", f"/nowhere/{number}")
    found = figures(client)

    assert 20 == found[REQUESTS, "GET", "unmatched", "404"]
    assert 20 == found[REQUESTS, "other", "unmatched", "404"]
    buckets, other = 15, 3
    assert 3 * (buckets + other) == len(found) - before  # those of /metrics came in between


def test_what_arrives_in_part_is_counted(client: Client) -> None:
    """Refusals before the router have no route."""
    client.get("/v2/meters", environ={"HTTP_TRANSFER_ENCODING": "chunked"})

    assert 1 == figures(client)[REQUESTS, "GET", "unmatched", "411"]


def test_samples_are_counted_by_what_became_of_them(client: Client) -> None:
    """Each verdict of a POST counts."""
    changed = agent_sample(volume=2)
    client.post("/v2/samples", [agent_sample(), agent_sample(), changed, {}, {"name": "x"}])

    assert {"accepted": 1, "duplicate": 1, "conflict": 1, "rejected": 2} == outcomes(client)


def test_all_or_nothing_counts_as_a_whole(client: Client) -> None:
    """A POST that is refused counts all its samples under the reason."""
    one, other = v2_sample(message_id="a"), v2_sample(message_id="a", counter_volume=2)
    client.post("/v2/meters/cpu", [one, one])
    client.post("/v2/meters/cpu", [v2_sample(), v2_sample(counter_type="x"), v2_sample()])
    client.post("/v2/meters/cpu", [v2_sample(), other])

    assert {"accepted": 1, "duplicate": 1, "conflict": 2, "rejected": 3} == outcomes(client)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StorageUnavailable("no answer"), "storage_unavailable"),
        (QueryTooExpensive(1), "query_too_expensive"),
    ],
)
@pytest.mark.parametrize("path", ["/v2/samples", "/v2/meters/cpu"])
def test_faults_of_the_store_are_counted(
    serve: Serve, error: Exception, code: str, path: str
) -> None:
    """By the code of the error; of the samples it is unknown what became."""
    client = serve(Failing(error))
    client.post(path, [v2_sample()])
    found = figures(client)

    assert 1 == found["metering_store_errors_total", code]
    assert {"unknown": 1} == outcomes(client)


def test_what_never_happened_is_zero(client: Client) -> None:
    """A rate needs the figure before the first event."""
    found = figures(client)

    assert {("accepted",), ("duplicate",), ("conflict",), ("rejected",), ("unknown",)} == {
        name[1:] for name in found if name[0] == SAMPLES
    }
    assert 0 == found["metering_store_errors_total", "storage_unavailable"]


def test_the_scrape_itself_is_in_flight(client: Client) -> None:
    """Nothing else is, when the rest is over."""
    client.get("/v2/meters")

    assert [1, 1] == [figures(client)["metering_http_requests_in_flight",] for _ in range(2)]


def test_applications_count_apart(serve: Serve) -> None:
    """Each application of a process has figures of its own."""
    one, other = serve(), serve()
    one.get("/v2/meters")

    assert (REQUESTS, "GET", "/v2/meters", "200") in figures(one)
    assert (REQUESTS, "GET", "/v2/meters", "200") not in figures(other)


def test_no_tenant_is_named(proxied: Client) -> None:
    """Whatever a tenant sends and asks for, no name of it stands there."""
    tenant = proxied.acting(project=SECRET, user=SECRET, roles=SECRET)
    tenant.post("/v2/samples", [agent_sample(project_id=SECRET, name=SECRET, id=SECRET)])
    for path in ("meters", "resources", "samples"):
        tenant.get(f"/v2/{path}/{SECRET}?q.field=project_id&q.value={SECRET}")
    tenant.get(f"/{SECRET}")

    assert SECRET not in tenant.get("/metrics").text
