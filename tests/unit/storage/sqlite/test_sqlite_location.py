"""Which URLs name a file, and which."""

from pathlib import Path

import pytest

from metering.errors import Misconfigured
from metering.storage.sqlite.location import path_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        pytest.param("sqlite:////var/lib/metering.db", "/var/lib/metering.db", id="absolute"),
        pytest.param("sqlite:////a b/%20#é.db", "/a b/%20#é.db", id="taken literally"),
    ],
)
def test_absolute_path(url: str, path: str) -> None:
    """Four slashes begin an absolute path, of which nothing is decoded."""
    assert Path(path) == path_of(url)


def test_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes begin a path from the working directory of the moment."""
    monkeypatch.chdir(tmp_path)

    assert tmp_path / "below" / "m.db" == path_of("sqlite:///below/m.db")


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/x",
        "sqlite:/x.db",
        "sqlite:///:memory:",
        "sqlite:////x.db?mode=ro",
        "sqlite:////x\0.db",
        "mongodb://host/x",
    ],
)
def test_url_that_names_no_file(url: str) -> None:
    """A URL without a path, with a host or with options is refused, naming the option at fault."""
    with pytest.raises(Misconfigured) as refusal:
        path_of(url)

    assert "[database] connection" == refusal.value.field
