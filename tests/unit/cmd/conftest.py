"""A store in a file, for the commands."""

from pathlib import Path

import pytest


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file that is not there yet, and no configuration file."""
    monkeypatch.setattr("metering.config.DEFAULT_FILE", tmp_path / "none")
    monkeypatch.delenv("METERING_CONFIG_FILE", raising=False)
    return f"sqlite:///{tmp_path / 'metering.db'}"
