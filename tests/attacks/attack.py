"""One attack: what is sent, and all that may come of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

JSON = "application/json"
NDJSON = "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Stretched:
    """A body that is repeated up to a size, so that a table of them costs no memory."""

    head: bytes
    unit: bytes
    tail: bytes
    size: int = 8 * 1024 * 1024

    def __bytes__(self) -> bytes:
        """The body, at most as long as that."""
        room = self.size - len(self.head) - len(self.tail)
        return self.head + self.unit * (room // len(self.unit)) + self.tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """A request, and the answer: its status, words of its text, and how many samples it stores.

    An answer of 400 or more is an error in the one shape.
    """

    method: str
    path: str
    status: int
    words: str = ""
    body: bytes | Stretched = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    stored: int = 0


Rows = Iterator[tuple[str, Attack]]


def get(
    path: str, status: int, words: str = "", body: bytes | str | Stretched = b"", media: str = JSON
) -> Attack:
    """A GET, which may have a body as v2's could."""
    return _with_body("GET", path, status, words, body, media)


def post(
    path: str, status: int, words: str = "", body: bytes | str | Stretched = b"", media: str = JSON
) -> Attack:
    """A POST that stores nothing."""
    return _with_body("POST", path, status, words, body, media)


def table(*parts: Iterable[tuple[str, Attack]]) -> dict[str, Attack]:
    """All rows by name."""
    rows = [row for part in parts for row in part]
    named = dict(rows)
    assert len(named) == len(rows), "a name is given twice"
    return named


def _with_body(  # noqa: PLR0913, PLR0917 - the parts of a request
    method: str, path: str, status: int, words: str, body: bytes | str | Stretched, media: str
) -> Attack:
    sent = body.encode() if isinstance(body, str) else body
    headers = {"Content-Type": media} if sent else {}
    return Attack(method=method, path=path, status=status, words=words, body=sent, headers=headers)
