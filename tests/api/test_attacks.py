"""The table of attacks in-process, over the memory driver, which is the definition of right."""

import json

import pytest
from api.client import Client, assert_fault, keep, kept, v2_sample
from api.conftest import Serve
from attacks.attack import Attack
from attacks.everything import ATTACKS

from metering.storage.base import Storage

SAMPLES = "/v2/samples"
STATISTICS = "/v2/meters/cpu/statistics"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_attack(client: Client, storage: Storage, attack: Attack) -> None:
    """It is answered as the table says, and stores no more than that."""
    keep(storage, {"metadata": {"a": 1}})
    response = client.request(
        attack.method,
        attack.path,
        bytes(attack.body),
        content_type=None,
        headers=attack.headers,
    )

    if attack.status >= 400:
        assert_fault(response, attack.status, attack.words)
    assert attack.status == response.status_int
    assert attack.words in response.text or attack.status >= 400
    assert attack.stored == len(kept(storage)) - 1


@pytest.mark.parametrize(
    ("length", "status"),
    [
        pytest.param("-1", 411, id="negative"),
        pytest.param("ten", 411, id="no number"),
        pytest.param("\u0663", 411, id="Arabic digit"),
        pytest.param("10", 400, id="too short"),
        pytest.param("1000", 400, id="too long"),
        pytest.param(str(10**12), 413, id="far too long"),
        pytest.param("9" * 5000, 400, id="5000 digits"),
    ],
)
def test_length_that_lies(client: Client, storage: Storage, length: str, status: int) -> None:
    """A Content-Length that is none, or not that of the body, stores nothing."""
    body = json.dumps([v2_sample()])
    response = client.lying(SAMPLES, body, {"CONTENT_LENGTH": length})

    assert_fault(response, status)
    assert [] == kept(storage)


@pytest.mark.parametrize(
    ("lies", "status"),
    [
        pytest.param({"HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}, 411, id="chunks"),
        pytest.param({"SERVER_PROTOCOL": "b HTTP/1.1"}, 400, id="blank in the URL"),
        pytest.param({"HTTP_TRANSFER_ENCODING ": "chunked"}, 400, id="blank before a colon"),
        pytest.param({"wsgi.url_scheme": "javascript:x//"}, 400, id="scheme"),
    ],
)
def test_what_a_server_passed_on(
    client: Client, storage: Storage, lies: dict[str, str], status: int
) -> None:
    """What a server did not understand is refused; chunks that no one decoded have no known end."""
    assert_fault(client.lying(SAMPLES, json.dumps([v2_sample()]), lies), status)
    assert [] == kept(storage)


def test_period_zero_is_none(client: Client, storage: Storage) -> None:
    """A period of zero means one window, as in v2."""
    keep(storage, {})

    assert client.rows(STATISTICS) == client.rows(f"{STATISTICS}?period=0")


def test_limits_are_options(serve: Serve) -> None:
    """What is too much is for the operator to say."""
    client = serve(max_conditions=1, max_filter_depth=1, max_statistics=1, max_samples=1)
    client.post(SAMPLES, [v2_sample()])
    client.post(SAMPLES, [v2_sample(resource_id="vm-2")])
    two = "q.field=user&q.field=user&q.value=a&q.value=a"
    deep = json.dumps({"filter": '{"not": {"=": {"meter": "cpu"}}}'})

    assert_fault(client.get(f"{SAMPLES}?{two}"), 400, "at most 1 conditions")
    assert_fault(client.post("/v2/query/samples", deep), 400, "nested deeper than 1")
    assert_fault(client.get(f"{STATISTICS}?groupby=resource_id"), 400, "more than 1 rows")
    assert_fault(client.post(SAMPLES, [v2_sample()] * 2), 413, "at most 1 samples")


def test_more_rows_than_an_answer_may_have(client: Client, storage: Storage) -> None:
    """More than 50,000 rows of statistics are refused with what to do about it."""
    keep(storage, *({"resource_id": f"vm-{number}"} for number in range(50_001)))

    assert_fault(client.get(f"{STATISTICS}?groupby=resource_id"), 400, "50000 rows")


def test_no_link_that_no_server_would_take(client: Client, storage: Storage) -> None:
    """A list that was cut says so; where its link would be too long, it is refused."""
    keep(storage, {}, {})
    query = "limit=1&q.field=resource&q.op=ne&q.value=" + '"' * 10_000

    assert_fault(client.get(f"{SAMPLES}?{query}"), 400, "too long for a link")
