"""Metadata: one canonical text, the flat form of v2, paths, and limits."""

import gc
import tracemalloc
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import metadata as descriptions

from metering.errors import InvalidSample
from metering.metadata import MAX_BYTES, MAX_DEPTH, MAX_KEY_LENGTH, NO_METADATA, Metadata

FLAT = [
    pytest.param({}, {}, id="empty"),
    pytest.param({"a": "x"}, {"a": "x"}, id="plain"),
    pytest.param({"a": {"b": 1}}, {"a.b": "1"}, id="two-levels"),
    pytest.param({"a": {"b": {"c": 1}}}, {"a.b:c": "1"}, id="three-levels"),
    pytest.param({"a": {"b": {"c": {"d": 1}}}}, {"a.b:c:d": "1"}, id="four-levels"),
    pytest.param({"a.b": 1}, {"a.b": "1"}, id="dotted"),
    pytest.param({"a.b.c": 1}, {"a.b:c": "1"}, id="dotted-twice"),
    pytest.param({"a:b": 1}, {"a.b": "1"}, id="colon"),
    pytest.param({"a:b": {"c": 1}}, {"a.b:c": "1"}, id="colon-and-level"),
    pytest.param({"a": True, "b": None}, {"a": "True", "b": "None"}, id="true-null"),
    pytest.param({"a": 1, "b": Decimal("0.75")}, {"a": "1", "b": "0.75"}, id="numbers"),
    pytest.param({"a": Decimal("1.0")}, {"a": "1.0"}, id="point-zero"),
    pytest.param({"a": ["x", "y"]}, {"a": "['x', 'y']"}, id="list"),
    pytest.param({"a": [1, None, Decimal("1.5")]}, {"a": "[1, None, 1.5]"}, id="mixed-list"),
    pytest.param({"a": [{"b": "c"}]}, {"a": "[{'b': 'c'}]"}, id="objects-in-list"),
    pytest.param({"a": {}, "b": {"c": {}}}, {}, id="empty-objects-vanish"),
    pytest.param({"a": []}, {"a": "[]"}, id="empty-list"),
    pytest.param({"": {"": 1}}, {".": "1"}, id="empty-keys"),
    pytest.param({"$a": {"$b": 1}}, {"$a.$b": "1"}, id="dollar"),
]

FOUND = [
    pytest.param({"a": 1}, "a", [1], id="plain"),
    pytest.param({"a": 1}, "b", [], id="absent"),
    pytest.param({"a": None}, "a", [None], id="null"),
    pytest.param({"a": {"b": 1}}, "a.b", [1], id="nested"),
    pytest.param({"a": {"b": 1}}, "a", [{"b": 1}], id="object"),
    pytest.param({"a": {"b": 1}}, "a:b", [], id="colon-is-no-dot"),
    pytest.param({"a.b": 1}, "a.b", [1], id="dotted-key"),
    pytest.param({"a": {"b.c": {"d": 1}}}, "a.b.c.d", [1], id="dotted-inside"),
    pytest.param({"a.b": {"c.d": 1}}, "a.b.c.d", [1], id="dotted-twice"),
    pytest.param({"$set": {"$inc": 1}}, "$set.$inc", [1], id="dollar"),
    pytest.param({"": 1}, "", [1], id="empty-key"),
    pytest.param({"": {"": 1}}, ".", [1], id="empty-keys"),
    pytest.param({"a": {"": 1}}, "a.", [1], id="empty-below"),
    pytest.param({"a": 1}, "a.b", [], id="below-a-value"),
    pytest.param({"a": "text"}, "a.0", [], id="below-a-text"),
    pytest.param({"a": ["x", "y"]}, "a", [["x", "y"]], id="list"),
    pytest.param({"a": ["x", "y"]}, "a.1", ["y"], id="index"),
    pytest.param({"a": ["x", "y"]}, "a.2", [], id="index-beyond"),
    pytest.param({"a": ["x", "y"]}, "a.-1", [], id="index-negative"),
    pytest.param({"a": ["x", "y"]}, "a.\u0660", [], id="index-not-ascii"),
    pytest.param({"a": ["x"]}, "a." + "9" * 5000, [], id="index-huge"),
    pytest.param({"a": ["x"]}, "a.²", [], id="index-superscript"),
    pytest.param({"a": [["x"]]}, "a.0.0", ["x"], id="index-twice"),
    pytest.param({"a": {"0": "x"}}, "a.0", ["x"], id="number-as-key"),
    pytest.param({"a": [{"b": 1}, {"b": 2}, {"c": 3}]}, "a.b", [1, 2], id="objects-in-list"),
    pytest.param({"a": [{"b": 1}, {"b": 2}]}, "a.1.b", [2], id="index-then-key"),
    pytest.param({"a": [{"0": "x"}]}, "a.0", [{"0": "x"}, "x"], id="index-and-key"),
    pytest.param({"a": [[{"b": 1}]]}, "a.b", [], id="list-in-list"),
    pytest.param({"Ä": {"ö": 1}}, "Ä.ö", [1], id="not-ascii"),
    pytest.param({"A": 1}, "a", [], id="case"),
]

TEXTS = [
    pytest.param(b"{}", "{}", id="empty"),
    pytest.param(b'{"b": 1, "a": 2}', '{"a":2,"b":1}', id="sorted"),
    pytest.param(b'{"a": {"d": 1, "c": 2}}', '{"a":{"c":2,"d":1}}', id="sorted-below"),
    pytest.param(b'{"a": [3, 1, 2]}', '{"a":[3,1,2]}', id="lists-keep-their-order"),
    pytest.param(b'{"a": 1, "a": 2}', '{"a":2}', id="last-of-equal-keys"),
    pytest.param(b'{"a": 1.10}', '{"a":1.10}', id="exact"),
    pytest.param(rb'{"\\u0000": "\\\\u0000"}', r'{"\\u0000":"\\\\u0000"}', id="reads-like-a-nul"),
    pytest.param(
        b'{"a": 0.1234567890123456789012345678901}',
        '{"a":0.1234567890123456789012345678901}',
        id="many-digits",
    ),
    pytest.param(b'{"a": 123456789012345678901234567890}', None, id="long-integer"),
    pytest.param(b'{"\\u0061": "\\u00e9"}', '{"a":"é"}', id="escapes"),
]

REFUSED_JSON = [
    b"",
    b"[]",
    b"null",
    b'"a"',
    b"1",
    b"{",
    b'{"a": NaN}',
    b'{"a": 1e9999999999999999999}',
    b'{"a": ' + b"[" * 9000 + b"]" * 9000 + b"}",
    b'{"a": "\xff"}',
    b'{"a": Infinity}',
    b"{'a': 1}",
    b'{"a": 1,}',
    b'{"a": 1} x',
    b'{"a": "\\ud800"}',
    b'{"a": "\\u0000"}',
    b'{"\\u0000": 1}',
    b'{"a": 1' + b" " * 6 * MAX_BYTES + b"}",
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a":' * 21 + b"1" + b"}" * 21,
    b'{"a":' + b"[" * 20 + b"]" * 20 + b"}",
]

REFUSED_TREES = [
    pytest.param({"k" * (MAX_KEY_LENGTH + 1): 1}, id="long-key"),
    pytest.param({"a": {"k" * (MAX_KEY_LENGTH + 1): 1}}, id="long-key-below"),
    pytest.param({"a": [{"\0": 1}]}, id="nul-in-a-key"),
    pytest.param({"a": ["x\0"]}, id="nul-in-a-value"),
    pytest.param({"a": "\\\0"}, id="nul-after-a-backslash"),
    pytest.param({"a": ["\\u0000", "\0"]}, id="nul-after-what-reads-like-one"),
    pytest.param({"a": "\ud800"}, id="lone-surrogate"),
    pytest.param({"a": "x" * MAX_BYTES}, id="large"),
    pytest.param({"a": "é" * (MAX_BYTES // 2)}, id="large-in-bytes"),
    pytest.param({"a.b": 1, "a": {"b": 2}}, id="twice-when-flat"),
    pytest.param({"a.b": 1, "a:b": 2}, id="dot-and-colon"),
    pytest.param({"a": {"b": {"c": 1}, "b.c": 2}}, id="twice-below"),
]


@pytest.mark.parametrize(("tree", "expected"), FLAT)
def test_flat(tree: dict, expected: dict) -> None:
    """The flat form joins the first two levels by a dot, further ones by colons, as text."""
    assert expected == Metadata.of(tree).flat


@pytest.mark.parametrize(("tree", "path", "expected"), FOUND)
def test_find(tree: dict, path: str, expected: list) -> None:
    """A path finds every value below it: keys with dots, elements of lists by number."""
    assert expected == Metadata.of(tree).find(path)


@pytest.mark.parametrize(("json", "expected"), TEXTS)
def test_canonical_text(json: bytes, expected: str | None) -> None:
    """The text that is kept has sorted keys, no blanks and exact numbers."""
    expected = expected or json.decode().replace(" ", "")

    assert expected == Metadata.read(json).text


@pytest.mark.parametrize("json", REFUSED_JSON, ids=[repr(json[:20]) for json in REFUSED_JSON])
def test_refused_json(json: bytes) -> None:
    """What is not a JSON object, or cannot be kept, is an invalid sample."""
    with pytest.raises(InvalidSample) as raised:
        Metadata.read(json)

    assert "metadata" == raised.value.field


@pytest.mark.parametrize("tree", REFUSED_TREES)
def test_refused_tree(tree: dict) -> None:
    """Long keys, NULs, too many bytes and keys that read the same are refused."""
    with pytest.raises(InvalidSample) as raised:
        Metadata.of(tree)

    assert "metadata" == raised.value.field
    assert len(raised.value.message) < 200


def test_many_keys() -> None:
    """Each may be as long as is allowed, however many there are."""
    tree = {f"{number:0{MAX_KEY_LENGTH}}": number for number in range(20)}

    assert tree == Metadata.of(tree).tree


def _nested(depth: int) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for _ in range(depth - 1):
        tree = {"a": tree}
    return tree


def test_depth() -> None:
    """Twenty levels are kept, one more is refused, and a hundred thousand do no harm."""
    assert MAX_DEPTH == Metadata.of(_nested(MAX_DEPTH)).text.count("{")
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(InvalidSample, match="nested deeper than 20"):
            Metadata.of(_nested(depth))


def test_limits_are_inclusive() -> None:
    """The longest key and the largest text are kept."""
    key = "k" * MAX_KEY_LENGTH
    value = "x" * (MAX_BYTES - len(f'{{"{key}":""}}'))

    assert MAX_BYTES == len(Metadata.of({key: value}).text)


ALIKE = [{"a": 1}, {"a": "1"}, {"a": True}, {"a": Decimal("1.0")}, {"a": [1]}, {"a": None}, {}]


@pytest.mark.parametrize("one", ALIKE, ids=repr)
def test_equal_exactly_if_texts_are(one: dict) -> None:
    """Values of other types are other descriptions, though Python calls some of them equal."""
    equal = [other for other in ALIKE if Metadata.of(other) == Metadata.of(one)]

    assert [repr(one)] == list(map(repr, equal))
    assert hash(Metadata.of(one)) == hash(Metadata.of(dict(one)))
    assert Metadata.of(one) != Metadata.of(one).text


def test_nothing() -> None:
    """No metadata is the empty object."""
    assert NO_METADATA == Metadata.of({}) == Metadata.read(b" {} ")
    assert "Metadata({})" == repr(NO_METADATA)


_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-999, max_value=999)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc$"), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["a", "b", "$c", "ä", ""]), _values, max_size=4))
def test_what_is_kept_is_what_was_sent(tree: dict) -> None:
    """The text reads as the tree that it was made of, and as itself."""
    metadata = Metadata.of(tree)

    assert tree == metadata.tree == Metadata(metadata.text).tree
    assert metadata == Metadata.read(metadata.text.encode())
    assert all(metadata.find(key) == [value] for key, value in tree.items())


FINE = f"0.{'1' * 25}"
NUMBERS = {
    "0.75": "0.75",
    "1.50": "1.5",
    "1e20": "1e+20",
    "1.0": "1.0",
    FINE: FINE,
    "1e400": "1E+400",
}


@pytest.mark.parametrize(("json", "expected"), NUMBERS.items())
def test_numbers_are_shown_as_v2_did_and_never_rounded(json: str, expected: str) -> None:
    """Python's text of the float, unless the float is another number."""
    assert {"a": expected} == Metadata.read(f'{{"a": {json}}}'.encode()).flat


@given(descriptions, descriptions)
def test_digests_are_equal_exactly_if_descriptions_are(one: Metadata, other: Metadata) -> None:
    """A digest stands for a description."""
    assert (one == other) == (one.digest == other.digest)
    assert 16 == len(one.digest)


def test_the_digest_is_of_the_canonical_text() -> None:
    """It is kept in databases for ever: however the description was sent, it is this one."""
    one = Metadata.read(rb'{ "b": [1.50], "a": "\u00e9" }')

    assert "1495106ed53720813c82972ae4c32ffe" == one.digest.hex()
    assert one.digest != Metadata.read(rb'{"a": "\u00e9", "b": [1.5]}').digest


def test_flat_form_is_made_once() -> None:
    """Equal descriptions share it while it is remembered."""
    json = b'{"name": "once", "size": 1.50}'
    tree = Metadata.read(json).tree

    assert Metadata.of(tree).flat is Metadata.of(tree).flat
    assert {"name": "once", "size": "1.5"} == Metadata.of(tree).flat


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        ({}, {}, set()),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, set()),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a.b", "a.c"}),
        ({"a": 1}, {"a": True}, {"a"}),
        ({"a": 1}, {"a": Decimal("1.0")}, {"a"}),
        ({"a": None}, {}, {"a"}),
        ({"a": {}}, {}, {"a"}),
        ({"a": {}}, {"a": {"b": 1}}, {"a", "a.b"}),
        ({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}, {"a"}),
        ({"a.b": 1}, {"a": {"b": 1}}, {"a.b"}),
    ],
)
def test_changed_paths(one: dict[str, Any], other: dict[str, Any], paths: set[str]) -> None:
    """What differs is named by its path, the same both ways; lists are compared as a whole."""
    mine, theirs = Metadata.of(one), Metadata.of(other)

    assert (paths, paths) == (mine.changed_paths(theirs), theirs.changed_paths(mine))


def _held(make: Callable[[int], object], count: int) -> int:
    """How many bytes stay after something was made so many times."""
    gc.collect()
    tracemalloc.start()
    for number in range(count):
        make(number)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def test_memory_of_flat_forms_is_bounded() -> None:
    """Also of descriptions that have none, for it is by their texts that they are remembered."""

    def show(number: int) -> None:
        assert Metadata.of({f"{number}-{index:>240}": {} for index in range(60)}).flat == {}

    assert _held(show, 4_000) < 40_000_000


def test_memory_of_what_was_read_is_bounded() -> None:
    """Also of small texts that are large once they are parsed."""

    def read(number: int) -> None:
        metadata = Metadata.read(f'{{"a.b": [[]{", []" * 1_000}], "n": {number}}}'.encode())
        assert 1 == len(metadata.find("a.b"))

    assert _held(read, 1_000) < 40_000_000
