"""Rows as CSV (RFC 4180): a header of JSON paths, then a line for each row, in UTF-8.

Columns are known before the first row: they follow from the type of the rows and from the question.
A spreadsheet may open it: no text is taken for a formula. What is a number is so by its declared
type, never by its looks.
"""

import csv
import re
import types
import typing
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

from msgspec import UNSET, Meta, UnsetType

from metering.api.forms.render import encode
from metering.api.forms.sources import closed_after

# A number that JSON has as text, so that whatever reads it keeps every digit; a number in CSV.
DecimalText = Annotated[str, Meta(extra_json_schema={"format": "decimal"})]

# What begins a formula, also after blanks and in the other widths that Unicode has for it; and what
# some programs skip at the beginning.
_FORMULA = re.compile(r"[\t\r\n]|\s*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What the question says of the columns of its answer, beyond the type of the rows.

    `keys` are the keys of fields that hold objects of free keys, by the path of the field: each has
    a column. Where they are not known, such an object is one column of JSON. `absent` are the paths
    of fields that no row of this answer has.
    """

    keys: Mapping[str, Collection[str]] = field(default_factory=dict)
    absent: Collection[str] = ()


class _Column(NamedTuple):
    path: str
    read: Callable[[Any], Any]
    write: Callable[[Any], str]


class _Echo:
    """The file that `csv` writes to: gives back what was written."""

    def write(self, text: str) -> str:
        return text


def write_table(rows: Iterable[Any], row_type: Any, asked: Columns) -> Iterator[bytes]:
    """The lines of a table, each ended by CR LF; the rows are closed in the end."""
    with closed_after(rows) as source:
        columns = [
            column
            for one, hint in _hints(row_type).items()
            for column in _columns(hint, one, attrgetter(one), asked)
        ]
        writer = csv.writer(_Echo())
        yield _encoded(writer.writerow([column.path for column in columns]))
        for row in source:
            yield _encoded(writer.writerow([_cell(column, row) for column in columns]))


def _encoded(line: Any) -> bytes:
    encoded: bytes = line.encode()
    return encoded


def _hints(row_type: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(row_type, include_extras=True)
    return {one.name: hints[one.name] for one in fields(row_type)}


def _columns(hint: Any, path: str, read: Callable[[Any], Any], asked: Columns) -> Iterator[_Column]:
    """The columns of a field: one, or those of what it holds."""
    if path in asked.absent:
        return
    hint = _present(hint)
    if is_dataclass(hint):
        for name, inner in _hints(hint).items():
            yield from _columns(inner, f"{path}.{name}", _attribute(read, name), asked)
    elif path in asked.keys:
        inner = typing.get_args(hint)[1]
        for key in asked.keys[path]:
            yield from _columns(inner, f"{path}.{key}", _item(read, key), asked)
    else:
        yield _Column(path, read, _WRITERS.get(hint, _json))


def _present(hint: Any) -> Any:
    """The type of a field where it is there and not null."""
    if typing.get_origin(hint) not in (types.UnionType, typing.Union):
        return hint
    (present,) = set(typing.get_args(hint)) - {types.NoneType, UnsetType}
    return present


def _attribute(read: Callable[[Any], Any], name: str) -> Callable[[Any], Any]:
    return lambda row: getattr(read(row), name, None)


def _item(read: Callable[[Any], Any], key: str) -> Callable[[Any], Any]:
    def item(row: Any) -> Any:
        found = read(row)
        return None if found is None or found is UNSET else found.get(key)

    return item


def _cell(column: _Column, row: Any) -> str:
    value = column.read(row)
    return "" if value is None or value is UNSET else column.write(value)


def _text(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def _json(value: Any) -> str:
    return encode(value).decode()


_WRITERS: dict[Any, Callable[[Any], str]] = {
    str: _text,
    DecimalText: str,
    Decimal: lambda number: format(number, "f"),
    int: str,
}
