"""That servers do not look for garbage among what they keep for good."""

import subprocess
import sys
from pathlib import Path

import pytest

# Each makes the application as it is made to serve, without serving.
UWSGI = "import metering.wsgi"
METERING_API = """
from metering.cmd import api
api.Server.run = lambda self: None
assert api.main(["--port", "0"]) == 0
"""
SAY = """
import gc
print(gc.get_freeze_count())
"""


@pytest.mark.parametrize("server", [UWSGI, METERING_API], ids=["uwsgi", "metering-api"])
def test_what_is_loaded_is_left_out(server: str, tmp_path: Path) -> None:
    """A server that is ready has tens of thousands of objects that no collection looks at."""
    file = tmp_path / "metering.conf"
    file.write_text("[database]\nconnection = memory://\n[api]\ninsecure = true\n")
    done = subprocess.run(
        [sys.executable, "-c", server + SAY],
        env={"METERING_CONFIG_FILE": str(file), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert int(done.stdout.split()[-1]) > 10_000
