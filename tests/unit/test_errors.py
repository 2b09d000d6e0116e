"""Errors are told apart by a word that does not change."""

from collections.abc import Iterator

import pytest

from metering import errors


def _below(root: type[errors.MeteringError]) -> Iterator[type[errors.MeteringError]]:
    for one in root.__subclasses__():
        yield one
        yield from _below(one)


CLASSES = [one for one in _below(errors.MeteringError) if one.__module__ == errors.__name__]


@pytest.mark.parametrize("one", CLASSES)
def test_each_error_has_a_code_of_its_own(one: type[errors.MeteringError]) -> None:
    """Every class defines its code, one lower-case word, and no other class has it."""
    assert "code" in vars(one)
    assert one.code == one.code.lower().strip()
    assert [one] == [other for other in CLASSES if other.code == one.code]


def test_message_and_field() -> None:
    """An error carries its sentence and the field at fault."""
    error = errors.InvalidSample("volume must be a number", field="volume")

    assert "volume must be a number" == str(error) == error.message
    assert "volume" == error.field
    assert errors.StorageUnavailable("gone").field is None


def test_not_found_names_the_thing() -> None:
    """What was not found is named, cut where it is very long."""
    assert "Resource vm-1 Not Found" == str(errors.NotFound("Resource", "vm-1"))
    assert f"Sample {'x' * 100} Not Found" == str(errors.NotFound("Sample", "x" * 10**6))


@pytest.mark.parametrize(("limit", "text"), [(30, "30 s"), (0.5, "0.5 s"), (60.0, "60 s")])
def test_too_expensive_names_the_limit(limit: float, text: str) -> None:
    """A question that took too long is told how long it may take."""
    assert f"the query took longer than {text}; narrow it" == str(errors.QueryTooExpensive(limit))


@pytest.mark.parametrize("one", [errors.InvalidQuery, errors.InvalidSample])
def test_kinds_of_invalid_requests(one: type[errors.MeteringError]) -> None:
    """Whatever the client got wrong is an invalid request."""
    assert issubclass(one, errors.InvalidRequest)
