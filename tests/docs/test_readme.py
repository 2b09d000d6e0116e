"""The README's requests are sent to a real server, and its answers compared."""

import re
import subprocess
from collections.abc import Iterator

import pytest
from docs.shown import ADDRESS, ROOT, comparable, examples, masked
from e2e.processes import Service, manage, metering_api

README = (ROOT / "README.rst").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with the demo data that the README speaks of."""
    folder = tmp_path_factory.mktemp("readme")
    url = f"sqlite:///{folder}/demo.db"
    assert 0 == manage(url, "demo", "--until", "2026-11-01").returncode
    with metering_api(folder, "--connection", url) as served:
        yield served


def test_every_example_of_the_readme_gives_the_answer_shown(served: Service) -> None:
    """The examples run in order; "..." stands for anything."""
    seen = 0
    for command, shown in examples(README):
        run = command.replace(ADDRESS, served.address)
        said = subprocess.run(
            ["bash", "-c", run], capture_output=True, text=True, check=True, timeout=60
        )
        answer = said.stdout.replace(served.address, ADDRESS).strip()
        assert comparable(shown) == masked(comparable(answer), comparable(shown)), command
        seen += 1
    assert seen >= 10


def test_the_quick_start_and_the_tests_are_one_command_each() -> None:
    """The first code block of each section is a single line."""
    for heading in ("Quick start", "Tests"):
        section = README.split(f"\n{heading}\n", 1)[1]
        block = re.search(r"::\n\n((?:    .*\n)+)", section)
        assert block is not None
        assert 1 == block[1].count("\n"), heading
