"""The benchmarks run from end to end; how fast they found anything is nobody's business here."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

_SMALL = ("--samples", "1000", "--repeat", "1", "--workers", "1", "--crowd", "2")
_ROWS = (
    "ingest over HTTP",
    "month of a project",
    "month-to-date usage of a project, all meters",
    "/v2/resources?limit=100",
    "- against skips",
    "/v2/meters?limit=100",
    "bytes a sample",
    "GET of 10,000 samples",
    "NDJSON",
    "2x samples a day",
    "10x series",
    "worst case: usage of a project",
    "worst case: bytes a sample",
)


def test_every_part_fills_its_rows() -> None:
    """A thousand samples go through all parts, and the table has a row of each."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", *_SMALL, "--driver", "mongodb"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    table = done.stdout[done.stdout.index("\n\n=") :]

    assert [] == [row for row in _ROWS if row not in table]
