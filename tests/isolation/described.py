"""The operations of the service, as its own OpenAPI document has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from api.client import Client

from metering.api.app import make_app
from metering.config import load
from metering.storage.memory import MemoryStorage

Schema = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A method of a path: its parameters by (place, name), its body by media type."""

    method: str
    path: str
    parameters: Mapping[tuple[str, str], Schema]
    bodies: Mapping[str, Schema]
    forms: tuple[str, ...]
    statuses: frozenset[int]

    @property
    def name(self) -> str:
        """What a test is called."""
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        """Whether it leaves something behind."""
        return 201 in self.statuses


@cache
def document() -> dict[str, Any]:
    """The document, which is the same for every store."""
    found: dict[str, Any] = Client(make_app(load(), MemoryStorage())).rows("/v2/openapi.json")
    return found


def operations(described: Mapping[str, Any]) -> list[Operation]:
    """All operations of a document."""
    return [
        Operation(
            method=method.upper(),
            path=path,
            parameters={
                (one["in"], one["name"]): one["schema"] for one in said.get("parameters", [])
            },
            bodies={
                form: one["schema"]
                for form, one in said.get("requestBody", {"content": {}})["content"].items()
            },
            forms=tuple(
                form for one in said["responses"].values() for form in one.get("content", ())
            ),
            statuses=frozenset(int(status) for status in said["responses"]),
        )
        for path, methods in described["paths"].items()
        for method, said in methods.items()
    ]


def resolved(schema: Schema) -> Schema:
    """The schema that is meant."""
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    found: Schema = document()["components"]["schemas"][name] if name else schema
    return found
