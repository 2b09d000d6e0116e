"""`metering-manage key`: keys are made, shown and revoked."""

from pathlib import Path

import pytest

from metering.cmd import manage
from metering.keys import KeyFile


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyFile:
    """The file that the configuration names; it is not there yet, and neither is a store."""
    path = tmp_path / "keys.json"
    file = tmp_path / "metering.conf"
    file.write_text(
        f"[api]\nauth = keys\nkeys_file = {path}\n[database]\nconnection = mongodb://no.where/x\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("METERING_CONFIG_FILE", str(file))
    return KeyFile(str(path))


def run(*arguments: str) -> int:
    """The exit status of `metering-manage key`."""
    return manage.main(["key", *arguments])


def test_create_prints_the_key_alone(keys: KeyFile, capsys: pytest.CaptureFixture[str]) -> None:
    """It can be taken by a script; what is said about it is on stderr."""
    status = run("create", "--project", "p-1", "--user", "u-1", "--note", "a dashboard")
    said = capsys.readouterr()
    key = keys.find(said.out.removesuffix("\n"))

    assert key is not None
    assert (0, "p-1", "u-1", ("member",), "a dashboard") == (
        status,
        key.project,
        key.user,
        key.roles,
        key.note,
    )
    assert f"key {key.id} is made; its text is not shown again\n" == said.err


def test_roles_are_given_one_by_one(keys: KeyFile) -> None:
    """An administrator needs no project."""
    run("create", "--role", "admin", "--role", "reader", "--role", "admin")

    assert [(None, None, ("admin", "reader"))] == [
        (key.project, key.user, key.roles) for key in keys.list()
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "need a --project"),
        (["--role", "reader"], "need a --project"),
        (["--role", "biller"], "need a --project"),
        (["--role", "nobody", "--project", "p-1"], "allow nothing"),
        (["--role", "admin"], None),
        (["--role", "reader", "--project", "p-1"], None),
        (["--project", "p-1"], None),
    ],
)
def test_a_key_that_opens_nothing(
    keys: KeyFile, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str | None
) -> None:
    """It is made, for rules may change, and a warning says that they refuse it."""
    assert 0 == run("create", *arguments)

    said = capsys.readouterr()
    assert keys.find(said.out.removesuffix("\n"))
    assert (why is not None) == ("warning: the rules refuse this key everything" in said.err)
    assert why is None or why in said.err


def test_a_key_that_a_rule_opens(
    keys: KeyFile, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The operator's rules count."""
    policy, file = tmp_path / "policy.yaml", tmp_path / "metering.conf"
    policy.write_text('"all_readers": "role:biller"\n', encoding="utf-8")
    with file.open("a", encoding="utf-8") as configuration:
        configuration.write(f"[oslo_policy]\npolicy_file = {policy}\n")

    assert 0 == run("create", "--role", "biller")
    assert "warning" not in capsys.readouterr().err
    assert 1 == len(keys.list())


def test_list_has_no_texts(keys: KeyFile, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each key, with neither text nor digest."""
    run("create", "--project", "p-1", "--note", "a dashboard")
    run("create", "--role", "admin", "--user", "agent")
    texts = capsys.readouterr().out.split()
    first, second = keys.list()

    assert run("list") == 0
    said = capsys.readouterr().out
    assert [
        [first.id, "project=p-1", "user=-", "roles=member", "a dashboard"],
        [second.id, "project=-", "user=agent", "roles=admin"],
    ] == [[part for part in line.split("  ") if "T" not in part] for line in said.splitlines()]
    hidden = [*texts, first.digest, second.digest, *(text.split("_", 2)[2] for text in texts)]
    assert [] == [one for one in hidden if one in said]


def test_revoke(keys: KeyFile, capsys: pytest.CaptureFixture[str]) -> None:
    """The key is gone, and it is said which it was."""
    run("create", "--project", "p-1")
    text = capsys.readouterr().out.strip()
    (key,) = keys.list()
    statuses = [run("revoke", key.id), run("revoke", key.id)]
    said = capsys.readouterr()

    assert [0, 1] == statuses
    assert keys.find(text) is None
    assert said.out.startswith(f"revoked: {key.id}  ")
    assert f"metering-manage: Key {key.id} Not Found\n" == said.err


def test_what_is_no_project_is_refused(keys: KeyFile, capsys: pytest.CaptureFixture[str]) -> None:
    """With the reason, and no key is made."""
    assert run("create", "--project", "") == 1
    assert "project must be" in capsys.readouterr().err


def test_the_file_must_be_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no default for it."""
    monkeypatch.setattr("metering.config.DEFAULT_FILE", tmp_path / "none")
    monkeypatch.delenv("METERING_CONFIG_FILE", raising=False)

    assert run("list") == 1
    assert "set [api] keys_file" in capsys.readouterr().err
