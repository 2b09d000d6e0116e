"""Options: where they come from, what is refused, and the sample file that shows them."""

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from metering import config
from metering.config import load
from metering.errors import Misconfigured

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "etc" / "metering" / "metering.conf.sample"


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(config, "DEFAULT_FILE", tmp_path / "default.conf")
    monkeypatch.delenv("METERING_CONFIG_FILE", raising=False)


def written(folder: Path, text: str, name: str = "metering.conf") -> str:
    """The path of a configuration file with that text."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return str(file)


def test_without_a_file_every_option_has_its_default() -> None:
    """The service starts without configuration: loopback, and a MongoDB beside it."""
    loaded = load()

    assert loaded.connection == "mongodb://localhost:27017/metering"
    assert (loaded.api.host, loaded.api.port) == ("127.0.0.1", 8777)
    assert (loaded.api.auth, loaded.api.insecure) == ("none", False)
    assert loaded.api.trusted_proxies == ("127.0.0.1", "::1")


def test_the_nearest_file_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that is given, else that of the environment, else the default one."""
    ports = []
    written(tmp_path, "[api]\nport = 1\n", "default.conf")
    ports.append(load().api.port)
    file = written(tmp_path, "[api]\nport = 2\n", "environment.conf")
    monkeypatch.setenv("METERING_CONFIG_FILE", file)
    ports.append(load().api.port)
    ports.append(load(written(tmp_path, "[api]\nport = 3\n")).api.port)

    assert ports == [1, 2, 3]


def test_overrides_win(tmp_path: Path) -> None:
    """What the command line says comes before the file."""
    loaded = load(written(tmp_path, "[api]\nport = 3\n"), [("api", "port", 4)])

    assert loaded.api.port == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[api]\nport = 65536\n", "port"),
        ("[api]\nthreads = 0\n", "threads"),
        ("[api]\nmax_body_bytes = many\n", "max_body_bytes"),
        ("[api]\nquery_timeout = 0\n", "query_timeout"),
        ("[api]\nauth = nobody\n", "auth"),
        ("[api]\ntrusted_proxies = ::1, 10.0.0.0/8\n", "trusted_proxies"),
        ("[api]\nmax_smaples = 1\n", "[api] has no option max_smaples"),
        ("[database]\nconection = memory://\n", "[database] has no option conection"),
        ("port = 1\n[api\n", "metering.conf"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(text: str, reason: str, tmp_path: Path) -> None:
    """The message has the option, or the file."""
    with pytest.raises(Misconfigured) as refused:
        load(written(tmp_path, text))

    assert reason in refused.value.message
    assert "LocationInfo" not in refused.value.message


def test_a_value_that_is_none_names_its_file(tmp_path: Path) -> None:
    """In plain words."""
    file = written(tmp_path, "[usage]\nmax_gap = x\n")
    with pytest.raises(Misconfigured, match=f"^Value for option max_gap in {file} is not valid: "):
        load(file)


def test_groups_of_others_are_let_be(tmp_path: Path) -> None:
    """A file may be shared with middleware that has options of its own."""
    loaded = load(written(tmp_path, "[keystone_authtoken]\nmemcached_servers = x\n"))

    assert loaded.api.port == 8777


def test_a_file_that_is_named_must_exist(tmp_path: Path) -> None:
    """A misspelt path is not the same as no file."""
    with pytest.raises(Misconfigured, match="does not exist"):
        load(str(tmp_path / "nowhere.conf"))


def test_no_message_has_the_password(tmp_path: Path) -> None:
    """A line that cannot be read is quoted without it."""
    file = written(tmp_path, "[database]\n  connection = mongodb://me:s3c/r@et@host/metering\n")
    with pytest.raises(Misconfigured) as refused:
        load(file)

    assert "connection = mongodb://***@host/metering" in refused.value.message


def test_the_sample_files_are_up_to_date(tmp_path: Path) -> None:
    """They are what the commands of `tox -e sample` write."""
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    for line in tox["testenv:sample"]["commands"].strip().splitlines():
        command = line.split()
        kept, fresh = ROOT / command[-1], tmp_path / "fresh"
        command[0], command[-1] = str(Path(sys.executable).parent / command[0]), str(fresh)
        subprocess.run(command, check=True, timeout=60)

        assert fresh.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), line


def test_the_sample_file_can_be_used_as_it_is() -> None:
    """All its lines are comments: it gives the defaults."""
    used, default = load(str(SAMPLE)), load()

    assert (used.connection, used.api) == (default.connection, default.api)


def test_every_option_explains_itself() -> None:
    """A sentence at least, and a bound below for every number."""
    options = [option for _, group in config.list_opts() for option in group]

    assert [one.name for one in options if not str(one.help).endswith(".")] == []
    numbers = [one for one in options if hasattr(one.type, "min")]
    assert [one.name for one in numbers if one.type.min is None] == []
