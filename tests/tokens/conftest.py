"""A Keystone with people in it, and services beside it that keep samples of two projects."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clients.venvs import python_with
from tokens.keystone import Keystone
from tokens.people import People, settle
from tokens.service import Metering, metering, sample_of


@pytest.fixture(scope="package")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Everybody in a Keystone that serves."""
    python = python_with("keystone", Path(__file__).parent)
    keystone = Keystone(python, tmp_path_factory.mktemp("keystone"))
    keystone.start()
    try:
        yield settle(keystone)
    finally:
        keystone.stop()


@pytest.fixture(scope="package", params=["metering-api", "uwsgi"])
def service(
    request: pytest.FixtureRequest, people: People, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Metering]:
    """The service, with one sample each of alice's, bob's and the administrators' project."""
    folder = tmp_path_factory.mktemp(request.param)
    with metering(folder, people.keystone, request.param) as served:
        kept = [sample_of(people.projects[name], name) for name in ("alice", "bob", "admin")]
        answer = served.post("/v2/samples", people.token("admin", "admin"), *kept)
        assert answer.status_code == 201, answer.text
        yield served
