"""URLs, and the one client of a process."""

import os
import traceback

import pytest
from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from metering.errors import Misconfigured
from metering.storage.mongodb.connection import Connection

DURABLE = WriteConcern(w="majority", j=True, wtimeout=5000)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("mongodb://localhost", "metering"),
        ("mongodb://localhost/", "metering"),
        ("mongodb://localhost/usage", "usage"),
        ("mongodb://u:p%40@a:1,b:2/usage?replicaSet=rs", "usage"),
    ],
)
def test_the_path_names_the_database(url: str, name: str) -> None:
    """Without a path it is `metering`."""
    assert name == Connection(url, 1).database.name


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://user:se/cret@localhost/usage",
        "mongodb://user:secret@localhost:port/usage",
        "mongodb://user:secret@localhost/usage.samples",
        "mongodb://user:secret@localhost/usage?w=secret&unknown=secret",
        "mongodb://user:secret@localhost/usage?maxPoolSize=secret",
        "mongodb://",
        "http://user:secret@localhost",
    ],
)
def test_a_bad_url_is_refused_without_repeating_it(url: str) -> None:
    """Neither the message nor what a log shows of its cause has the password."""
    with pytest.raises(Misconfigured) as caught:
        Connection(url, 1)

    assert "secret" not in "".join(traceback.format_exception(caught.value))


def test_a_url_cannot_weaken_the_guarantees() -> None:
    """Write and read concern are ours whatever the URL says."""
    options = "w=0&journal=false&wtimeoutMS=1&readConcernLevel=local&readPreference=nearest"

    samples = Connection(f"mongodb://localhost/?{options}", 1).samples

    assert DURABLE == samples.write_concern
    assert ReadConcern("majority") == samples.read_concern
    assert ReadPreference.PRIMARY == samples.read_preference


def test_a_url_cannot_weaken_the_client() -> None:
    """What starts at the client, such as transactions, has the same guarantees."""
    options = "w=1&retryWrites=false&readConcernLevel=local&timeoutMS=1"

    client = Connection(f"mongodb://localhost/?{options}", 1).client

    assert DURABLE == client.write_concern
    assert ReadConcern("majority") == client.read_concern
    assert client.options.retry_writes
    assert client.options.timeout is None


def test_a_process_has_one_client() -> None:
    """The client is made once."""
    connection = Connection("mongodb://localhost", 1)

    assert connection.client is connection.client


def test_a_fork_has_a_client_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process id, another client: clients do not survive a fork."""
    connection = Connection("mongodb://localhost", 1)
    mine = connection.client

    monkeypatch.setattr(os, "getpid", lambda: 1)

    assert connection.client is not mine
    assert connection.client is connection.client
