"""The real `ceilometer` command and its Python API, run in an environment of their own."""

import json
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

from clients.venvs import isolated

RUNNER = Path(__file__).parent / "run_ceilometer.py"
TRANSPORTS = ("token", "session", "noauth")

_ANSWER_SECONDS = 60

Row = dict[str, str]


class Ceilometer:
    """A process with the client in it; it answers one question at a time."""

    def __init__(self, python: Path) -> None:
        """Start it; `endpoint` says where commands and calls go."""
        self.endpoint = ""
        self.sent: list[list[Any]] = []
        command = [python, "-I", RUNNER]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=isolated()
        )

    def __enter__(self) -> Self:
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process."""
        with self._process:
            self._process.kill()

    def run(self, *command: str) -> dict[str, Any]:
        """Exit code, output and errors of a command."""
        given = ["--os-endpoint", self.endpoint, "--os-token", "a-token", *command]
        return self._ask({"command": given})

    def out(self, *command: str) -> str:
        """The output of a command that must succeed."""
        answer = self.run(*command)
        assert 0 == answer["code"], answer["error"]
        return str(answer["out"])

    def rows(self, *command: str) -> list[Row]:
        """The table that a command prints, its columns by their headings."""
        head, *rows = cells(self.out(*command))
        return [dict(zip(head, row, strict=True)) for row in rows]

    def columns(self, *command: str) -> list[list[str]]:
        """The cells of the table that a command prints, without the headings."""
        return cells(self.out(*command))[1:]

    def properties(self, *command: str) -> Row:
        """The two columns that a command about one thing prints; wrapped values in one piece."""
        found: Row = {}
        name = ""
        for property_, value in self.columns(*command):
            name = property_ or name
            found[name] = " ".join(filter(None, (found.get(name), value)))
        return found

    def call(self, transport: str, manager: str, method: str, **arguments: Any) -> dict[str, Any]:
        """What a method of the Python API gives, by one of the transports."""
        where = {"transport": transport, "endpoint": self.endpoint}
        return self._ask({**where, "manager": manager, "method": method, "arguments": arguments})

    def value(self, transport: str, manager: str, method: str, **arguments: Any) -> Any:
        """What a method gives that must not raise."""
        answer = self.call(transport, manager, method, **arguments)
        assert "value" in answer, answer
        return answer["value"]

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(_ANSWER_SECONDS, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            said = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        assert said, "the client ended without an answer"
        answer: dict[str, Any] = json.loads(said)
        self.sent = answer["sent"]
        return answer


def cells(table: str) -> list[list[str]]:
    """The cells of a PrettyTable, the headings first."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
