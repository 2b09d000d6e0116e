"""What is open to everybody."""

import pytest

from metering.api.callers.public import is_public


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", True),
        ("", True),
        ("/healthz/live", True),
        ("/healthz/ready", True),
        ("/metrics", True),
        ("/v2/openapi.json", True),
        ("//", False),
        ("/v2", False),
        ("/v2/samples", False),
        ("/v2/capabilities", False),
        ("/metrics/../v2/samples", False),
        ("/metricsx", False),
        ("/healthz", False),
        ("/v2/samples/healthz/", False),
        ("/v2/openapi.json/", False),
        ("/V2/OPENAPI.JSON", False),
        ("/ v2/openapi.json", False),
        ("/v2/openapi.json\n", False),
    ],
)
def test_public(path: str, expected: bool) -> None:
    """Versions, health, metrics and the description of the API, to the letter."""
    assert expected == is_public({"PATH_INFO": path})


def test_no_path() -> None:
    """A server may leave an empty path out."""
    assert is_public({})
