"""A real Keystone: SQLite, Fernet tokens, served by waitress on the loopback address."""

import grp
import os
import pwd
import signal
import socket
import subprocess
from pathlib import Path

import requests
from clients.venvs import isolated
from e2e.processes import until

ADMIN_PASSWORD = "pw-of-admin"  # noqa: S105 - of a server that lives for a test
# Keystone reads the arguments of the process, so there are none.
_PROGRAM = """
from keystone.wsgi.api import application
from waitress import serve
serve(application, listen="127.0.0.1:{port}")
"""
_COMMAND_SECONDS = 60

_CONFIGURATION = """
[database]
connection = sqlite:///{folder}/keystone.db
[token]
expiration = {token_seconds}
[fernet_tokens]
key_repository = {folder}/fernet
[fernet_receipts]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[identity]
# The least that bcrypt takes: these passwords protect nothing.
password_hash_rounds = 4
"""


class Keystone:
    """A Keystone that has been bootstrapped; it may be stopped, and started again."""

    def __init__(self, python: Path, folder: Path) -> None:
        """Set up its database and keys; it does not serve yet."""
        self._python = python
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}/v3"
        self._configure(3600)
        for name in ("fernet", "credential"):
            (folder / name).mkdir(mode=0o700)
        self._manage("db_sync")
        owner, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(os.getegid()).gr_name
        self._manage("fernet_setup", f"--keystone-user={owner}", f"--keystone-group={group}")
        urls = [f"--bootstrap-{kind}-url={self.url}" for kind in ("public", "internal", "admin")]
        self._manage("bootstrap", f"--bootstrap-password={ADMIN_PASSWORD}", *urls)

    def start(self, token_seconds: int = 3600) -> None:
        """Serve, unless it does; tokens issued from now on expire after these seconds."""
        if self._process is not None:
            return
        self._configure(token_seconds)
        with (self._folder / "keystone.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._python, "-c", _PROGRAM.format(port=self._port)],
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(self._answers, f"Keystone serves: {self._folder}/keystone.log")

    def freeze(self) -> None:
        """Go on listening, and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def thaw(self) -> None:
        """Answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Serve no more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def _environ(self) -> dict[str, str]:
        return isolated() | {"OS_KEYSTONE_CONFIG_FILES": str(self._folder / "keystone.conf")}

    def _configure(self, token_seconds: int) -> None:
        text = _CONFIGURATION.format(folder=self._folder, token_seconds=token_seconds)
        (self._folder / "keystone.conf").write_text(text, encoding="utf-8")

    def _manage(self, *arguments: str) -> None:
        """Run `keystone-manage`, which has no module that can be run."""
        program = "import sys; from keystone.cmd.manage import main; sys.exit(main())"
        file = f"--config-file={self._folder}/keystone.conf"
        command = [self._python, "-c", program, file, *arguments]
        done = subprocess.run(
            command,
            cwd=self._folder,
            env=self._environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=_COMMAND_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "Keystone ended; see keystone.log"
        try:
            return requests.get(self.url, timeout=10).ok
        except requests.ConnectionError:
            return False


def _free_port() -> int:
    """A port that nobody listens on at the moment: Keystone must know its own URL beforehand."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
