"""The proof that the suite can fail: drivers with one fault each are all found out."""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from contract.planted import FAULTS, Flawless

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SLOW = (
    "large",
    "same_streams",
    "many",
    "closing_early",
    "answer",
    "every_millisecond",
    "negation",
    "comes_first",
)
QUICK = " and ".join(f"not {word}" for word in SLOW)

EACH = [
    pytest.param(topic, fault.__name__, id=fault.__name__)
    for topic, faults in FAULTS.items()
    for fault in faults
]


@pytest.fixture(scope="module")
def failures() -> Callable[[str], Counter[str]]:
    """How many tests of a topic each planted driver fails, by its name; one run for each topic."""

    @cache
    def run(topic: str) -> Counter[str]:
        names = [one.__name__ for one in (Flawless, *FAULTS[topic])]
        classes = [f"--storage-class=contract.planted:{name}" for name in names]
        options = ["-k", QUICK, "-rfE", "--tb=no", "-p", "no:cacheprovider", *classes]
        command = [sys.executable, "-m", "pytest", *options, str(HERE / f"test_{topic}.py")]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)

        assert re.search(r"[0-9]+ passed", ran.stdout), ran.stdout[-2000:] + ran.stderr
        return Counter(re.findall(r"^(?:FAILED|ERROR) [^[]*\[(\w+)[-\]]", ran.stdout, re.MULTILINE))

    return run


@pytest.mark.parametrize("topic", FAULTS)
def test_flawless_driver_passes(failures: Callable[[str], Counter[str]], topic: str) -> None:
    """What the suite finds are faults: a driver without one passes it."""
    assert failures(topic)["Flawless"] == 0


@pytest.mark.parametrize(("topic", "fault"), EACH)
def test_fault_is_found(failures: Callable[[str], Counter[str]], topic: str, fault: str) -> None:
    """A driver with this fault fails at least one test of its topic that is no random one."""
    assert failures(topic)[fault] >= 1
