"""Answers as JSON and XML."""

import json
from dataclasses import dataclass
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
import strategies
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from metering.api.forms.media import JSON, XML
from metering.api.forms.render import render


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One field of each kind."""

    text: str = "a"
    number: Decimal = Decimal("1.50")
    whole: int = 1
    switch: bool = True
    absent: str | UnsetType = UNSET
    nothing: str | None = None
    flat: dict[str, str]
    rows: list[str]


BODY = Body(flat={"k": "v"}, rows=["x", "y"])


def test_json() -> None:
    """JSON has the fields in order, numbers as they are, and no absent field."""
    expected = (
        b'{"text":"a","number":1.50,"whole":1,"switch":true,"nothing":null,'
        b'"flat":{"k":"v"},"rows":["x","y"]}'
    )

    assert expected == render(BODY, Body, JSON)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Z\u00fcrich, \u0416", rb"Z\u00fcrich, \u0416"),
        ("\U0001f600 \u20ac", rb"\ud83d\ude00 \u20ac"),
        ('\u00e4"\u00f6\\\u00fc\n\u00df', rb"\u00e4\"\u00f6\\\u00fc\n\u00df"),
        ("\uffff\x7f", rb"\uffff\u007f"),
    ],
)
def test_json_is_ascii(text: str, expected: bytes) -> None:
    """Letters beyond it are escaped, in keys too; those beyond 16 bits by two surrogates."""
    assert b'["%b",{"%b":"a"}]' % (expected, expected) == render([text, {text: "a"}], list, JSON)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_says_the_same_in_ascii(text: str) -> None:
    """Whatever characters it has."""
    written = render([text, {text: text}], list, JSON)

    assert written.isascii()
    assert [text, {text: text}] == json.loads(written)


@pytest.mark.parametrize("form", XML)
def test_xml(form: str) -> None:
    """XML has the fields in order, lists and dicts as items, and null as an attribute."""
    expected = (
        b"<result><text>a</text><number>1.50</number><whole>1</whole><switch>true</switch>"
        b'<nothing nil="true" /><flat><item><key>k</key><value>v</value></item></flat>'
        b"<rows><item>x</item><item>y</item></rows></result>"
    )

    assert expected == render(BODY, Body, form)


def test_list_as_xml() -> None:
    """A list is items of the result."""
    assert b"<result><item>a</item></result>" == render(["a"], list[str], XML[0])


def test_empty_list_as_xml() -> None:
    """An empty list is an empty result."""
    assert b"<result />" == render([], list[Body], XML[0])


@given(strategies.volumes)
def test_numbers_are_exact(number: Decimal) -> None:
    """A number keeps its value in both forms, and has no exponent in XML."""
    body = Body(number=number, flat={}, rows=[])
    text = render(body, Body, JSON).decode().split('"number":')[1].split(",")[0]
    written = ET.fromstring(render(body, Body, XML[0])).findtext("number")  # noqa: S314 - our own

    assert (number, number) == (Decimal(text), Decimal(written or ""))
    assert "E" not in (written or "")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_xml_can_always_be_parsed(text: str) -> None:
    """Whatever characters an answer has, its XML is well-formed."""
    body = Body(text=text, flat={text: text}, rows=[text])

    assert "result" == ET.fromstring(render(body, Body, XML[0])).tag  # noqa: S314 - our own
