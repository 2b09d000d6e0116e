"""What verify finds in a file that something else has written to."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from builders import LATER, NOON, after_noon, sample
from contract.asking import keep
from msgspec import msgpack

from metering.storage.sqlite import SqliteStorage

DAMAGE = {
    "a key": (
        "UPDATE samples SET key = zeroblob(16) WHERE id = 's-2'",
        "meter cpu of resource vm-1: 1 samples are not found under their key",
    ),
    "an id": (
        "UPDATE samples SET id = 'other' WHERE id = 's-2'",
        "meter cpu of resource vm-1: 1 samples are not found under their key",
    ),
    "a track that went": (
        "DELETE FROM tracks WHERE resource_id = 'vm-2'",
        "1 samples are of track 2, which does not exist",
    ),
    "a track": (
        "UPDATE tracks SET unit = 'other' WHERE resource_id = 'vm-1'",
        "track 1 has the digest of another",
    ),
    "a description that went": (
        "DELETE FROM descriptions WHERE handle = 2",
        "meter cpu of resource vm-2: 1 descriptions of its samples do not exist",
    ),
    "a description": (
        """UPDATE descriptions SET metadata = '{"a":2}' WHERE handle = 2""",
        "description 2 has the digest of another",
    ),
    "a description of another": (
        "UPDATE samples SET description = 1 WHERE id = 's-3'",
        "meter cpu of resource vm-2: what was sealed of 2015-06-01 is not in its samples",
    ),
    "an index that lacks a row": (
        (
            "UPDATE sqlite_schema SET sql = sql || ' WHERE id <> ''s-2''' "
            "WHERE name = 'samples_by_time';"
            "REINDEX samples_by_time;"
            "UPDATE sqlite_schema SET sql = replace(sql, ' WHERE id <> ''s-2''', '') "
            "WHERE name = 'samples_by_time'"
        ),
        "SQLite says: row 2 missing from index samples_by_time",
    ),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with three samples of two resources, sealed."""
    file = tmp_path / "metering.db"
    with closing(store(file)) as one:
        one.prepare()
        keep(one, sample(), sample(id="s-2", timestamp=after_noon(1), volume=2))
        keep(one, sample(id="s-3", resource_id="vm-2", timestamp=NOON, metadata={"a": 1}))
        list(one.seal(LATER))
    return file


def store(file: Path) -> SqliteStorage:
    """The store in the file."""
    return SqliteStorage.open(f"sqlite:///{file}", timeout_seconds=60)


def contradictions(file: Path) -> list[str]:
    """What verify finds."""
    with closing(store(file)) as one:
        return [found for inspection in one.verify() for found in inspection.contradictions]


def test_nothing_is_found_before(path: Path) -> None:
    """The file is whole."""
    assert contradictions(path) == []


@pytest.mark.parametrize(("statements", "sentence"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found(path: Path, statements: str, sentence: str) -> None:
    """Each kind of damage is named."""
    for statement in statements.split(";"):
        # Each by itself: a changed schema is heeded when the file is opened again.
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(statement)

    assert sentence in contradictions(path)


def without_wholes(said: list[Any]) -> list[Any]:
    """What a block says of its descriptions, but of none for the whole month."""
    return [*said[:4], []]


def with_parts_of_others(said: list[Any]) -> list[Any]:
    """The same with the parts of each day under the wrong descriptions, and months to match."""
    turned = {
        day: [[one, part] for (one, _), (_, part) in zip(of_day, of_day[::-1], strict=True)]
        for day, of_day in said[3].items()
    }
    (one, first), (other, second) = said[4]
    return [*said[:3], turned, [[one, second], [other, first]]]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (without_wholes, "what was sealed of 2015-06 is not what its days are together"),
        (with_parts_of_others, "what was sealed of 2015-06-01 is not in its samples"),
    ],
)
def test_what_blocks_say_of_descriptions_is_compared(
    tmp_path: Path, change: Callable[[list[Any]], list[Any]], sentence: str
) -> None:
    """Of each day, and of the month."""
    file = tmp_path / "metering.db"
    with closing(store(file)) as one:
        one.prepare()
        keep(
            one,
            *(
                sample(id=f"s{n}", timestamp=after_noon(n), volume=n, metadata={"a": n % 2})
                for n in range(20)
            ),
        )
        list(one.seal(LATER))
    assert contradictions(file) == []
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        query = "SELECT described FROM blocks WHERE described IS NOT NULL"
        ((described,),) = connection.execute(query).fetchall()
        changed = msgpack.encode(change(msgpack.decode(described, strict=False)))
        connection.execute("UPDATE blocks SET described = ? WHERE of > 0", (changed,))

    assert f"meter cpu of resource vm-1: {sentence}" in contradictions(file)
