"""What a page shows: commands with their answers, and blocks to type."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
ADDRESS = "127.0.0.1:8777"

_BLOCK = re.compile(r"^\.\. code-block:: console\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def examples(page: str) -> Iterator[tuple[str, str]]:
    """Each command and the answer below it; a command goes on while its quotes are open."""
    for block in _BLOCK.findall(page):
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


def typed(page: str, begin: str) -> list[str]:
    """The indented lines that begin so: what is typed, without the indent."""
    return re.findall(rf"^ {{4,}}({re.escape(begin)}.*)$", page, re.MULTILINE)


def comparable(text: str) -> Any:
    """JSON as values with exact numbers, `1` and `1.0` apart, anything else as text."""
    try:
        return json.loads(text, parse_float=Decimal, parse_int=str)
    except json.JSONDecodeError:
        return text


def masked(answer: Any, shown: Any) -> Any:
    """The answer, with "..." wherever the page shows that, also for further fields."""
    if shown == "...":
        return shown
    if isinstance(answer, dict) and isinstance(shown, dict):
        told = {key: masked(value, shown.get(key)) for key, value in answer.items()}
        others = told.keys() - shown.keys()
        if "..." in shown and others:
            return {key: told[key] for key in told.keys() - others} | {"...": "..."}
        return told
    if isinstance(answer, list) and isinstance(shown, list) and len(answer) == len(shown):
        return [masked(*pair) for pair in zip(answer, shown, strict=True)]
    return answer
