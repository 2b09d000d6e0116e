"""Real programs have an environment of their own each: made once, and kept between runs."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent

_INSTALL_SECONDS = 150
_MADE = "made"


def python_with(name: str, folder: Path = HERE) -> Path:
    """The Python of an environment that holds what `<name>.txt` pins, and nothing else.

    It is in the user's cache under the name of its contents, so that another set of pins or
    another Python gets another one. One process makes it while others wait; one that was not
    finished is made anew. Without a package index this fails.
    """
    pins = folder / f"{name}.txt"
    contents = f"{sys.version} {sys.base_prefix} {pins.read_text(encoding='utf-8')}"
    place = _cache() / f"{name}-{hashlib.sha256(contents.encode()).hexdigest()[:16]}"
    python = place / "bin" / "python"
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (python.exists() and (place / _MADE).exists()):
            _make(place, pins)
    return python


def isolated() -> dict[str, str]:
    """The environment variables of a client: none of those that would lead it elsewhere."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "NO_PROXY": "127.0.0.1", "PYTHONUNBUFFERED": "1"}


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(home) / "metering-tests"
    cache.mkdir(parents=True, exist_ok=True)
    return cache


def _make(place: Path, pins: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", place], check=True, timeout=_INSTALL_SECONDS)
    pip = [place / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-input", "--no-deps"]
    subprocess.run([*pip, "--requirement", pins], check=True, timeout=_INSTALL_SECONDS)
    (place / _MADE).touch()
