"""Markers and links of pages."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metering.api.framework.endpoint import Call
from metering.api.scope import Caller
from metering.api.writing.paging import cut, next_url, read_marker, write_marker
from metering.errors import InvalidQuery


@given(st.text(), st.integers(-(2**63), 2**63 - 1), st.none() | st.booleans())
def test_markers_come_back(text: str, number: int, other: object) -> None:
    """A marker is what it was made from, and needs no escaping in a URL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    marker = write_marker(text, number, other)

    assert (text, number, other) == read_marker(marker, tuple[str, int, bool | None])
    assert marker.replace("-", "").replace("_", "").isalnum()


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_foreign_markers_are_refused(marker: str) -> None:
    """Any other text is an invalid query."""
    with pytest.raises(InvalidQuery) as caught:
        read_marker(marker, tuple[str, int, str, int])

    assert "marker" == caught.value.field


@pytest.mark.parametrize(
    ("rows", "limit", "expected"),
    [
        ([], 1, ([], False)),
        ([1], 1, ([1], False)),
        ([1, 2], 1, ([1], True)),
        ([1, 2, 3], 5, ([1, 2, 3], False)),
    ],
)
def test_cut(rows: list[int], limit: int, expected: tuple[list[int], bool]) -> None:
    """A page has the first rows, and knows whether there are more."""
    assert expected == cut(rows, limit)


def test_cut_closes_the_source() -> None:
    """No more rows are read than needed, and the source is closed."""
    told: list[object] = []

    def source() -> Iterator[int]:
        try:
            for number in range(100):
                told.append(number)
                yield number
        finally:
            told.append("closed")

    cut(source(), 2)

    assert [0, 1, 2, "closed"] == told


def test_next_url_replaces_the_marker() -> None:
    """The link has every other parameter, in order, and one marker."""
    parameters = (("q.value", "a&b=ü +"), ("marker", "old"), ("limit", "1"), ("q.value", ""))
    call = Call(
        caller=Caller(is_admin=True),
        application_url="http://host",
        url="http://host/v2/samples",
        parameters=parameters,
        form="application/json",
        idempotency_key=None,
        content_type="",
        body=b"",
    )

    path, _, query = next_url(call, "new").partition("?")

    assert "http://host/v2/samples" == path
    assert [parameters[0], *parameters[2:], ("marker", "new")] == parse_qsl(
        query, keep_blank_values=True
    )
