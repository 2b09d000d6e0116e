"""Paths and what they lead to."""

import pytest

from metering.api.framework.routing import Route


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("/", [""], []),
        ("/v2/meters", ["v2", "meters"], []),
        ("/v2/meters", ["v2", "meters", ""], []),
        ("/v2/meters", ["v2", "meters", "", ""], None),
        ("/v2/meters", ["v2"], None),
        ("/v2/meters", ["v2", "Meters"], None),
        ("/v2/meters/{meter}", ["v2", "meters", "a"], ["a"]),
        ("/v2/meters/{meter}", ["v2", "meters", "a", ""], ["a"]),
        ("/v2/meters/{meter}", ["v2", "meters", "a", "b"], None),
        ("/v2/meters/{meter}/statistics", ["v2", "meters", "a", "statistics"], ["a"]),
        ("/v2/meters/{meter}/statistics", ["v2", "meters", "a", "b"], None),
        ("/v2/samples/{id...}", ["v2", "samples", "a"], ["a"]),
        ("/v2/samples/{id...}", ["v2", "samples", "a", "b", ""], ["a/b/"]),
        ("/v2/samples/{id...}", ["v2", "samples", "", "b"], ["/b"]),
        ("/v2/samples/{id...}", ["v2", "samples", ""], None),
        ("/v2/samples/{id...}", ["v2", "samples"], None),
        ("/v2/samples/{id...}", ["v2", "other", "a"], None),
        ("/v2/d/{name...}/values", ["v2", "d", "a", "values"], ["a"]),
        ("/v2/d/{name...}/values", ["v2", "d", "a", "values", ""], ["a"]),
        ("/v2/d/{name...}/values", ["v2", "d", "a", "b", "", "values"], ["a/b/"]),
        ("/v2/d/{name...}/values", ["v2", "d", "", "a", "values"], ["/a"]),
        ("/v2/d/{name...}/values", ["v2", "d", "values", "values"], ["values"]),
        ("/v2/d/{name...}/values", ["v2", "d", "values"], None),
        ("/v2/d/{name...}/values", ["v2", "d", "", "values"], [""]),
        ("/v2/d/{name...}/values", ["v2", "d", "a", "values", "", ""], None),
        ("/v2/d/{name...}/values", ["v2", "d", "a", "b"], None),
        ("/v2/d/{name...}/{of}/c", ["v2", "d", "a", "b", "x", "c"], ["a/b", "x"]),
    ],
)
def test_match(template: str, path: list[str], expected: list[str] | None) -> None:
    """A template matches whole paths; a trailing slash means nothing but in a rest."""
    assert expected == Route(template, {}).match(path)
