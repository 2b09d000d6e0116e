"""The commands of the real python-ceilometerclient record samples, and read them back."""

import json
from typing import Any

import pytest
from clients.asking import get
from clients.ceilometer import TRANSPORTS, Ceilometer


def create(ceilometer: Ceilometer, meter: str, volume: str, *options: str) -> dict[str, str]:
    """What `sample-create` prints of a gauge in MB of the resource vm 9."""
    kind = ["--meter-type", "gauge", "--meter-unit", "MB", "--sample-volume", volume]
    return ceilometer.properties("sample-create", "-r", "vm 9", "-m", meter, *kind, *options)


def listed(meter: str, volume: Any, **rest: Any) -> dict[str, Any]:
    """An element of what `sample-create-list` is given."""
    return {
        "counter_name": meter,
        "counter_type": "delta",
        "counter_unit": "call",
        "counter_volume": volume,
        "resource_id": "api",
        "timestamp": "2024-06-01T00:00:00",
        **rest,
    }


def test_sample_create_prints_the_sample_as_it_is_kept(
    ceilometer: Ceilometer, address: str
) -> None:
    """Numeric text is a number, an offset is converted, and the source names the project."""
    shown = create(
        ceilometer,
        "mem.full",
        "12.5",
        *("--project-id", "acme", "--user-id", "alice"),
        *("--resource-metadata", '{"display_name": "nine", "image.id": "i-1"}'),
        *("--timestamp", "2024-06-01T05:00:00+02:00"),
    )
    kept = shown.pop("message_id")
    expected = {
        "name": "mem.full",
        "type": "gauge",
        "unit": "MB",
        "volume": "12.5",
        "user_id": "alice",
        "project_id": "acme",
        "resource_id": "vm 9",
        "source": "acme:openstack",
        "timestamp": "2024-06-01T03:00:00",
        "resource_metadata": '{"display_name": "nine", "image.id": "i-1"}',
    }
    assert expected == shown
    assert "12.5" == str(get(address, f"/v2/samples/{kept}")["volume"])
    assert "nine" in ceilometer.properties("sample-show", kept)["metadata"]


def test_sample_create_fills_in_what_was_not_given(ceilometer: Ceilometer) -> None:
    """Only the mandatory options: the rest has a value or is None."""
    shown = create(ceilometer, "mem.bare", "3")
    assert shown.pop("message_id")
    assert shown.pop("timestamp") > "2024"
    expected = {
        "name": "mem.bare",
        "type": "gauge",
        "unit": "MB",
        "volume": "3.0",
        "user_id": "None",
        "project_id": "None",
        "resource_id": "vm 9",
        "source": "None:openstack",
        "resource_metadata": "{}",
    }
    assert expected == shown


@pytest.mark.parametrize("spelling", ["True", "true", "False", "yes", "0", "nonsense"])
def test_direct_in_any_spelling_changes_nothing(ceilometer: Ceilometer, spelling: str) -> None:
    """Whatever text follows the option, the sample can be read when the command ends."""
    meter = f"mem.direct.{spelling}"
    create(ceilometer, meter, "1", "--direct", spelling)
    assert [["POST", f"/v2/meters/{meter}?direct={spelling}", 201]] == ceilometer.sent
    assert 1 == len(ceilometer.columns("sample-list", "-m", meter))


@pytest.mark.parametrize(("text", "volume"), [("20.5e0", "20.5"), ("-3", "-3"), ("1E3", "1000")])
def test_numeric_text_of_any_form_is_a_volume(
    ceilometer: Ceilometer, text: str, volume: str
) -> None:
    """The client sends what was typed, as text."""
    meter = f"mem.text.{text}"
    assert float(volume) == float(create(ceilometer, meter, text)["volume"])
    (row,) = ceilometer.rows("statistics", "-m", meter)
    assert float(volume) == float(row["Sum"])


def test_an_id_with_a_number_sign_can_be_shown_when_encoded(ceilometer: Ceilometer) -> None:
    """The client cuts ids at it."""
    sample = listed("list.sign", 1, resource_id="port#1")
    ceilometer.out("sample-create-list", json.dumps([sample]))
    assert "port#1" == ceilometer.properties("resource-show", "port%231")["resource_id"]
    assert 1 == ceilometer.run("resource-show", "port#1")["code"]


def test_sample_create_list_posts_once_for_each_meter(ceilometer: Ceilometer) -> None:
    """Meters in the order of their first appearance; the table shows what was kept."""
    samples = [
        listed("list.a", 1),
        listed("list.b", "2", resource_metadata={"verb": "GET"}),
        listed("list.a", 0.1, timestamp="2024-06-01T00:00:00.5"),
    ]
    rows = ceilometer.columns("sample-create-list", json.dumps(samples), "--direct", "True")
    start, later = "2024-06-01T00:00:00", "2024-06-01T00:00:00.500000"
    expected = [
        ["api", "list.a", "delta", "1.0", "call", start],
        ["api", "list.a", "delta", "0.1", "call", later],
        ["api", "list.b", "delta", "2.0", "call", start],
    ]
    assert expected == rows
    paths = [["POST", f"/v2/meters/list.{name}?direct=True", 201] for name in "ab"]
    assert paths == ceilometer.sent
    (row,) = ceilometer.rows("statistics", "-m", "list.a")
    assert ("1.1", "2") == (row["Sum"], row["Count"])


def test_sample_create_list_without_direct_is_readable_at_once(ceilometer: Ceilometer) -> None:
    """Every POST is durable and readable when it is answered."""
    ceilometer.out("sample-create-list", json.dumps([listed("list.plain", n) for n in range(5)]))
    assert [["POST", "/v2/meters/list.plain", 201]] == ceilometer.sent
    volumes = [row["Volume"] for row in ceilometer.rows("sample-list", "-m", "list.plain")]
    assert [f"{n}.0" for n in range(5)] == sorted(volumes)


def test_an_empty_list_sends_nothing(ceilometer: Ceilometer) -> None:
    """There is no meter to post to."""
    assert [] == ceilometer.columns("sample-create-list", "[]")
    assert [] == ceilometer.sent


def test_a_list_with_one_bad_sample_stores_none_of_its_meter(ceilometer: Ceilometer) -> None:
    """The error names the sample; what was posted to a meter is kept whole or not at all."""
    samples = [listed("list.bad", 1), listed("list.bad", "many")]
    answer = ceilometer.run("sample-create-list", json.dumps(samples))
    assert 1 == answer["code"]
    assert "many" in answer["error"]
    assert "(sample 1)" in answer["error"]
    assert [] == ceilometer.columns("sample-list", "-m", "list.bad")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"--meter-type": "bogus"}, "The counter type must be: gauge, delta, cumulative"),
        ({"--sample-volume": "nan"}, "nan"),
        ({"--timestamp": "soon"}, "soon"),
    ],
)
def test_refused_samples_are_explained(
    ceilometer: Ceilometer, changed: dict[str, str], text: str
) -> None:
    """The client prints why, and nothing is kept."""
    options = {"--meter-type": "gauge", "--meter-unit": "MB", "--sample-volume": "1", **changed}
    given = [part for option in options.items() for part in option]
    answer = ceilometer.run("sample-create", "-r", "vm", "-m", "refused", *given)
    assert 1 == answer["code"]
    assert text in answer["error"]
    assert "(HTTP 400)" in answer["error"]
    assert [] == ceilometer.columns("sample-list", "-m", "refused")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_python_api_records_by_every_transport(ceilometer: Ceilometer, transport: str) -> None:
    """One sample, and a list of several meters; each answer is the samples as they are kept."""
    sample = {
        "counter_type": "delta",
        "counter_unit": "call",
        "resource_id": f"api of {transport}",
        "project_id": transport,
        "timestamp": "2024-06-01T00:00:00",
        "resource_metadata": {"verb": "GET"},
    }
    one = sample | {"counter_name": "api.one", "counter_volume": "7", "direct": True}
    (kept,) = ceilometer.value(transport, "samples", "create", **one)
    assert (7, f"{transport}:openstack") == (kept["counter_volume"], kept["source"])
    many = [sample | {"counter_name": f"api.{n % 2}", "counter_volume": n} for n in range(4)]
    kept = ceilometer.value(transport, "samples", "create_list", sample_list=many)
    assert [0, 2, 1, 3] == [row["counter_volume"] for row in kept]
    mine = [{"field": "project", "value": transport}]
    found = ceilometer.value(transport, "meters", "list", q=mine)
    assert ["api.0", "api.1", "api.one"] == [meter["name"] for meter in found]
