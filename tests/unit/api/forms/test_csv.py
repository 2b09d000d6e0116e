"""Columns from declared types: nested rows, figures that are text, objects and lists."""

import csv
import io
import json
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

import strategies
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from metering.api.forms.csv import Columns, DecimalText, write_table
from metering.api.forms.lines import write_lines
from metering.api.forms.media import CSV, NDJSON
from metering.api.writing.convert import sample_to_api
from metering.api.writing.wire import SampleBody
from metering.model import Sample


@dataclass
class Detail:
    """Something inside a row."""

    unit: str
    seconds: DecimalText | None


@dataclass
class Row:
    """One of each kind of fields."""

    name: str
    by: dict[str, str | None]
    free: dict[str, int]
    tags: list[str]
    usage: DecimalText
    count: int
    partial: bool | UnsetType = UNSET
    detail: Detail | UnsetType | None = UNSET


@dataclass
class Answer:
    """Rows, and something beside."""

    name: str
    rows: list[Row]


FULL = Row(
    name="-1",
    by={"region": "-1", "other": "x"},
    free={"a": 1},
    tags=["=a"],
    usage="-1.0",
    count=-3,
    partial=True,
    detail=Detail(unit="=GB", seconds="-4"),
)
EMPTY = Row(name="", by={}, free={}, tags=[], usage="0", count=0, detail=None)
ASKED = Columns(keys={"by": ["region"]})


def lines(*rows: Row, asked: Columns = ASKED) -> list[str]:
    """The lines of a table."""
    return [line.decode() for line in write_table(rows, Row, asked)]


def test_nested_objects_have_dots() -> None:
    """Each cell is written by the type that is declared, not by its looks."""
    assert [
        "name,by.region,free,tags,usage,count,partial,detail.unit,detail.seconds\r\n",
        '\'-1,\'-1,"{""a"":1}","[""=a""]",-1.0,-3,true,\'=GB,-4\r\n',
    ] == lines(FULL)


def test_what_is_not_there_is_empty() -> None:
    """Null, absent and unset alike, and what they would hold."""
    assert ",,{},[],0,0,,,\r\n" == lines(EMPTY)[1]
    assert ",,{},[],0,0,,,\r\n" == lines(Row("", {"region": None}, {}, [], "0", 0))[1]


def test_absent_fields_have_no_column() -> None:
    """Nor have those inside of others."""
    asked = Columns(keys={"by": []}, absent=["partial", "detail.unit"])

    assert ["name,free,tags,usage,count,detail.seconds\r\n"] == lines(asked=asked)


def test_numbers_are_written_out() -> None:
    """Without an exponent, and with every digit."""

    @dataclass
    class Volume:
        volume: Decimal | None

    numbers = ["1E+3", "-0.10", "12345678901234567890.123456789"]
    rows = [Volume(Decimal(one)) for one in numbers]

    assert [b"1000\r\n", b"-0.10\r\n", b"12345678901234567890.123456789\r\n"] == [
        *write_table(rows, Volume, Columns())
    ][1:]


_texts = st.text(st.sampled_from("=+-@ \t\r\n,;\"'1a\uff1d"), max_size=4)


@given(sample=strategies.samples(), unit=_texts, user=_texts)
def test_whatever_is_written_is_read_again(sample: Sample, unit: str, user: str) -> None:
    """By a reader of CSV: every text but for an apostrophe where it began like a formula."""
    expected = replace(sample_to_api(sample), unit=unit, user_id=user)

    written = b"".join(write_table([expected], SampleBody, Columns())).decode()

    (found,) = csv.DictReader(io.StringIO(written, newline=""), strict=True)
    assert expected.volume == Decimal(found.pop("volume"))
    assert expected.metadata == json.loads(found.pop("metadata"))
    for name, text in asdict(expected).items():
        if name in found:
            assert found[name] in (text or "", f"'{text}")
            assert not found[name].lstrip().startswith(("=", "+", "-", "@", "\uff1d"))
            assert not found[name].startswith(("\t", "\r", "\n"))
            assert found[name] == (text or "") or text[0] not in "1a,;\"'"


def test_rows_of_an_answer_that_has_more() -> None:
    """The lines are those of its rows."""
    answer = Answer(name="x", rows=[EMPTY, FULL])

    assert [*write_lines([EMPTY, FULL], list[Row], CSV, ASKED)] == [
        *write_lines(answer, Answer, CSV, ASKED)
    ]
    assert 2 == len([*write_lines(answer, Answer, NDJSON, ASKED)])
