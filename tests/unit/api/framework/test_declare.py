"""WSME types of parameters."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
import wsme.types as wtypes

from metering.api.framework.declare import INTEGER, Condition, Truth, given, parameters_of


@dataclass(frozen=True)
class _Asked:
    q: Iterable[Condition] = ()
    by: Iterable[str] = ()
    period: int | None = None
    window: str = "mtd"


def test_parameters_follow_from_a_dataclass() -> None:
    """Those that may come often are lists; whether one may be absent makes no difference."""
    expected = {"q": [Condition], "by": [str], "period": int, "window": str}
    assert expected == parameters_of(_Asked)


@pytest.mark.parametrize("word", ["1", "true", "T", "YES", "y", "on", True])
def test_true_words(word: object) -> None:
    """Six words are true."""
    assert Truth.frombasetype(word)


@pytest.mark.parametrize("word", ["", "0", "false", "2", "ja", "t rue", None, False])
def test_all_other_words(word: object) -> None:
    """All else is false."""
    assert not Truth.frombasetype(word)


@pytest.mark.parametrize("value", [None, wtypes.Unset])
def test_not_given(value: object) -> None:
    """Null and unset mean not given."""
    assert [None, 7] == [given(value), given(value, 7)]


@pytest.mark.parametrize("value", [0, "", False, []])
def test_given(value: object) -> None:
    """Any other value was given, the empty ones too."""
    assert value == given(value, 7)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", True),
        (" +5\t", True),
        ("-5\n", True),
        ("5" * 41, False),
        ("5.0", False),
        ("\u0665", False),
    ],
)
def test_whole_numbers(text: str, *, expected: bool) -> None:
    """Blanks around them are nothing; digits are those of ASCII, and not too many."""
    assert expected == bool(INTEGER.fullmatch(text))
