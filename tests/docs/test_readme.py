"""The README's requests are sent to a real server, and its answers compared."""

import json
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from e2e.processes import Service, manage, metering_api

README = Path(__file__).parents[2] / "README.rst"
ADDRESS = "127.0.0.1:8777"

_BLOCK = re.compile(r"^\.\. code-block:: console\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def examples() -> Iterator[tuple[str, str]]:
    """Each command and the answer below it; a command goes on while its quotes are open."""
    for block in _BLOCK.findall(README.read_text(encoding="utf-8")):
        lines = [line.removeprefix("    ") for line in block.rstrip("\n").split("\n")]
        command, answer = "", []
        for line in lines:
            if line.startswith("$ "):
                if command:
                    yield command, "\n".join(answer)
                command, answer = line.removeprefix("$ "), []
            elif command.count("'") % 2:
                command += "\n" + line
            else:
                answer.append(line)
        yield command, "\n".join(answer)


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
    for command, shown in examples():
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
        section = README.read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1]
        block = re.search(r"::\n\n((?:    .*\n)+)", section)
        assert block is not None
        assert 1 == block[1].count("\n"), heading


def comparable(text: str) -> Any:
    """JSON as values with exact numbers, anything else as text."""
    try:
        return json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except json.JSONDecodeError:
        return text


def masked(answer: Any, shown: Any) -> Any:
    """The answer, with "..." wherever the README shows that."""
    if shown == "...":
        return shown
    if isinstance(answer, dict) and isinstance(shown, dict):
        return {key: masked(value, shown.get(key)) for key, value in answer.items()}
    if isinstance(answer, list) and isinstance(shown, list) and len(answer) == len(shown):
        return [masked(*pair) for pair in zip(answer, shown, strict=True)]
    return answer
