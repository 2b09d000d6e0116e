"""An application over the memory driver, which is the definition of right, and its callers."""

from collections.abc import Callable
from typing import Any

import pytest
from api.client import Client

from metering.api.app import make_app
from metering.config import load
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage

Serve = Callable[..., Client]


@pytest.fixture
def storage() -> Storage:
    """An empty store."""
    return MemoryStorage()


@pytest.fixture
def serve(storage: Storage) -> Serve:
    """Makes a client of an application over the store, with some options of `api` set."""

    def made(over: Storage = storage, **options: Any) -> Client:
        overrides = [("api", name, value) for name, value in options.items()]
        return Client(make_app(load(overrides=overrides), over))

    return made


@pytest.fixture
def client(serve: Serve) -> Client:
    """A caller where everyone is an administrator."""
    return serve()


@pytest.fixture
def proxied(serve: Serve) -> Client:
    """Nobody yet, where a proxy says who calls; see `Client.acting`."""
    return serve(auth="headers")


@pytest.fixture
def member(proxied: Client) -> Client:
    """A member of project p-1."""
    return proxied.acting(project="p-1", user="u-1", roles="member")
