"""Which stores the suite is run on, and how they are opened, opened again, and removed."""

import importlib
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

from pymongo import MongoClient

from metering.storage import ENTRY_POINTS, open_storage
from metering.storage.base import Storage
from metering.storage.memory import MemoryStorage

BUILT_IN = ("memory", "sqlite", "mongodb")
PATIENT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line asks for: a scheme of ours, or a URL, and perhaps a class."""

    name: str
    scheme: str
    url: str | None = None
    storage_class: type[Storage] | None = None

    @property
    def is_durable(self) -> bool:
        """Whether what is kept must be there when the store is opened again."""
        return self.scheme != "memory"


def choices(urls: list[str], classes: list[str]) -> list[Choice]:
    """What is asked for: classes before URLs, and all built-in drivers if there are neither."""
    if classes:
        return [_class_choice(name, urls[0] if urls else None) for name in classes]
    if urls:
        return [Choice(url, url.partition(":")[0], url) for url in urls]
    return [Choice(scheme, scheme) for scheme in BUILT_IN]


def _class_choice(name: str, url: str | None) -> Choice:
    module, _, class_name = name.partition(":")
    storage_class = getattr(importlib.import_module(module), class_name)
    scheme = url.partition(":")[0] if url else _scheme_of(storage_class)
    return Choice(class_name, scheme, url, storage_class)


def _scheme_of(storage_class: type[Storage]) -> str:
    """The scheme of the installed driver that a class derives from, else memory's."""
    if not issubclass(storage_class, MemoryStorage):
        for driver in entry_points(group=ENTRY_POINTS):
            if issubclass(storage_class, driver.load()):
                return driver.name
    return "memory"


@dataclass(slots=True)
class Driver:
    """Opens stores of one driver, fresh or again, and removes them."""

    choice: Choice
    place: Callable[[str], str]
    urls: dict[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the parameter is called."""
        return self.choice.name

    def open(self, url: str, timeout_seconds: float = PATIENT_SECONDS) -> Storage:
        """The store at the URL, as the service would open it."""
        if self.choice.storage_class is not None:
            return self.choice.storage_class.open(url, timeout_seconds=timeout_seconds)
        return open_storage(url, timeout_seconds=timeout_seconds)

    @contextmanager
    def fresh(self, *, prepared: bool = True) -> Iterator[Storage]:
        """An empty store, closed in the end; removed where no whole server or folder will be."""
        url = self.place(f"contract_{secrets.token_hex(6)}")
        storage = self.open(url)
        self.urls[id(storage)] = url
        try:
            if prepared:
                storage.prepare()
            yield storage
        finally:
            storage.close()
            del self.urls[id(storage)]
            if self.choice.url is not None:
                remove(self.choice.scheme, url)

    @contextmanager
    def again(
        self, storage: Storage, timeout_seconds: float = PATIENT_SECONDS
    ) -> Iterator[Storage]:
        """The same store through another connection."""
        other = self.open(self.urls[id(storage)], timeout_seconds)
        try:
            yield other
        finally:
            other.close()


def named(url: str, name: str) -> str:
    """The URL of a store of that name, where a user gave the URL of one."""
    if "{}" in url:
        return url.replace("{}", name)
    head, mark, options = url.partition("?")
    has_path = "/" in head.partition("://")[2]
    return f"{head}{'' if has_path else '/'}{name}{mark}{options}"


def _drop_database(url: str) -> None:
    with MongoClient(url) as client:
        client.drop_database(client.get_default_database())


def _unlink(url: str) -> None:
    file = Path(url.removeprefix("sqlite:///"))
    for each in file.parent.glob(f"{file.name}*"):
        each.unlink()


REMOVERS = {"mongodb": _drop_database, "sqlite": _unlink}


def remove(scheme: str, url: str) -> None:
    """Remove the store at the URL, if it is one of ours; others are left where they are."""
    if scheme in REMOVERS:
        REMOVERS[scheme](url)
