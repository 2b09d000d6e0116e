"""What docs/quantities.rst reckons by hand is what the service answers, sealed or not."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from docs.shown import ADDRESS, ROOT, comparable, examples, masked
from e2e.processes import manage, metering_api, serving

PAGE = (ROOT / "docs" / "quantities.rst").read_text(encoding="utf-8")
# Where the page asks as a member.
MEMBERS = "127.0.0.1:8778"
EXAMPLES = list(examples(PAGE))
QUESTIONS = [one for one in EXAMPLES if " -d '" not in one[0]]


@pytest.fixture
def url(tmp_path: Path) -> str:
    """An empty store."""
    return f"sqlite:///{tmp_path}/quantities.db"


@pytest.fixture
def addresses(tmp_path: Path, url: str) -> Iterator[dict[str, str]]:
    """Those of the page, and where the two services are that stand for them, on one store."""
    with metering_api(tmp_path, "--connection", url) as everyone:
        ready = everyone.address
        with serving("metering-api", tmp_path, url, auth="headers") as members:
            yield {ADDRESS: ready, MEMBERS: members.address}


def said(command: str, addresses: dict[str, str]) -> str:
    """What a service answers."""
    for shown, real in addresses.items():
        command = command.replace(shown, real)
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60
    ).stdout


def assert_shown(asked: Iterable[tuple[str, str]], addresses: dict[str, str], when: str) -> None:
    """Each answer is that of the page."""
    for command, answer in asked:
        shown = comparable(answer)
        assert shown == masked(comparable(said(command, addresses)), shown), (when, command)


def test_every_answer_is_that_of_the_page(addresses: dict[str, str], url: str) -> None:
    """Samples are recorded and asked about in order; after sealing it is all asked again."""
    assert_shown(EXAMPLES, addresses, "from samples")
    sealed = manage(url, "seal")
    assert_shown(QUESTIONS, addresses, "sealed")

    assert sealed.returncode == 0, sealed.stderr
    explained = f"curl -si 'http://{ADDRESS}/v2/meters/disk/statistics?explain=1' | grep -i effort"
    assert re.search("pieces=[1-9].*samples=0", said(explained, addresses))
    assert len(QUESTIONS) >= 25


def test_drawings_fit() -> None:
    """Each is at most 72 columns wide."""
    drawings = re.findall(r"::\n\n((?: {4}.*\n|\n)+)", PAGE)
    lines = [line.removeprefix("    ") for one in drawings for line in one.split("\n")]

    assert [] == [line for line in lines if len(line) > 72]
    assert len(drawings) >= 12
