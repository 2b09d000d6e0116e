"""What `metering-api` understands and refuses, without a server."""

import threading
from pathlib import Path

import pytest

from metering.api.exchange.request_id import Wsgi
from metering.cmd import api
from metering.config import ApiConfig


class FakeServer:
    """Stands in for the server: keeps what it was given, and stops at once."""

    made: ApiConfig | None = None

    def __init__(self, _: Wsgi, config: ApiConfig, stopping: threading.Event) -> None:
        del stopping
        type(self).made = config
        self.addresses = [("127.0.0.1", 1), ("::1", 2)]

    def run(self) -> None:
        """Serve nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> type[FakeServer]:
    """The stand-in, and no configuration file."""
    monkeypatch.setattr(api, "Server", FakeServer)
    monkeypatch.setattr("metering.config.DEFAULT_FILE", tmp_path / "none")
    monkeypatch.delenv("METERING_CONFIG_FILE", raising=False)
    FakeServer.made = None
    return FakeServer


def test_without_options_it_listens_on_loopback(server: type[FakeServer]) -> None:
    """Address and port have their defaults."""
    status = api.main(["--connection", "memory://"])

    assert status == 0
    assert server.made is not None
    assert (server.made.host, server.made.port) == ("127.0.0.1", 8777)


def test_options_come_before_the_configuration_file(
    server: type[FakeServer], tmp_path: Path
) -> None:
    """The file says one port, the command line another."""
    file = tmp_path / "metering.conf"
    file.write_text("[api]\nport = 1\nthreads = 3\n[database]\nconnection = memory://\n")
    status = api.main(["--config-file", str(file), "--port", "0", "--host", "::1"])

    assert status == 0
    assert server.made is not None
    assert (server.made.host, server.made.port, server.made.threads) == ("::1", 0, 3)


def test_it_says_where_it_listens(
    server: type[FakeServer], capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each address, IPv6 in brackets."""
    api.main(["--connection", "memory://"])
    said = capsys.readouterr().out.splitlines()

    assert said == [
        "metering-api: http://127.0.0.1:1/v2/meters - stop with Ctrl-C",
        "metering-api: http://[::1]:2/v2/meters - stop with Ctrl-C",
    ]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--host", "0.0.0.0"], "auth = none on 0.0.0.0"),  # noqa: S104 - to be refused
        (["--host", "::"], "auth = none on ::"),
        (["--host", "metering.example.org"], "auth = none on metering.example.org"),
        (["--host", "not an address"], "[api] host: "),
        (["--port", "65536"], "[api] port: "),
        (["--connection", "nosuch://"], "no storage driver for 'nosuch://'"),
        (["--config-file", "/nowhere/metering.conf"], "/nowhere/metering.conf does not exist"),
    ],
)
def test_what_cannot_be_served_is_refused(
    arguments: list[str],
    reason: str,
    server: type[FakeServer],
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Status 1, and one line that says why."""
    status = api.main(["--connection", "memory://", *arguments])
    said = capsys.readouterr().err

    assert status == 1
    assert said.startswith("metering-api: ")
    assert reason in said
    assert said.count("\n") == 1
    assert server.made is None


def test_unknown_arguments_are_refused(server: type[FakeServer]) -> None:
    """Status 2, as argparse has it."""
    with pytest.raises(SystemExit) as ended:
        api.main(["--nosuch"])

    assert ended.value.code == 2
