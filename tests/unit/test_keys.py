"""The file of API keys: what it holds, how it changes, and who is found in it."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from metering.errors import InvalidRequest, Misconfigured, NotFound
from metering.keys import Key, KeyFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a file of keys will be."""
    return tmp_path / "keys.json"


@pytest.fixture
def keys(path: Path) -> KeyFile:
    """A file that is not there yet."""
    return KeyFile(str(path))


def make(keys: KeyFile, project: str | None = "p-1", note: str = "") -> tuple[Key, str]:
    """A key of a member."""
    return keys.create(project=project, user="u-1", roles=["member"], note=note)


def test_a_key_is_found_by_its_text(keys: KeyFile) -> None:
    """With everything that was said when it was made."""
    made, text = make(keys, note="for the agents")

    assert made == keys.find(text)
    assert ("p-1", "u-1", ("member",), "for the agents") == (
        made.project,
        made.user,
        made.roles,
        made.note,
    )


def test_texts_are_random_and_fit_into_a_url(keys: KeyFile) -> None:
    """A prefix that scanners can look for, the id, and 256 bits in 43 characters."""
    texts = [make(keys)[1] for _ in range(20)]

    assert 20 == len({text.split("_", 2)[2] for text in texts})
    assert {"metering"} == {text.split("_", 2)[0] for text in texts}
    assert {43} == {len(text.split("_", 2)[2]) for text in texts}
    assert "" == "".join(texts).translate(str.maketrans("", "", "_-")).strip(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    )


def test_the_file_has_no_key(keys: KeyFile, path: Path) -> None:
    """It has a digest, and only its owner may read it."""
    _, text = make(keys)

    assert text.split("_", 2)[2] not in path.read_text(encoding="utf-8")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(path.parent.iterdir())


def wrong_texts(text: str) -> list[str]:
    """What is almost the text of a key."""
    prefix, made, secret = text.split("_", 2)
    other = "B" if secret[0] == "A" else "A"
    return [
        "",
        " ",
        "_",
        "__",
        made,
        secret,
        f"{made}_{secret}",
        f"{prefix}_{made}_",
        f"{prefix}_{made}_{other}{secret[1:]}",
        f"{prefix}_{made}_{secret[:-1]}",
        f"{prefix}_{made}_{secret}A",
        f"{prefix}__{secret}",
        f"{prefix}_{'0' * 12}_{secret}",
        text.upper(),
        f" {text}",
        f"{text}\n",
        "ключ",
        "\ud800",
        "x" * 100_000,
    ]


def test_nothing_else_is_found(keys: KeyFile, path: Path) -> None:
    """Not what is almost a key, and not a digest."""
    _, text = make(keys)
    (kept,) = json.loads(path.read_text(encoding="utf-8"))["keys"]

    tried = [*wrong_texts(text), kept["digest"], f"metering_{kept['id']}_{kept['digest']}"]
    assert [] == [one for one in tried if keys.find(one)]


def test_a_key_that_is_not_there_costs_a_comparison_too(
    keys: KeyFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same steps, whether its id is known or not."""
    made, text = make(keys)
    compared = []
    monkeypatch.setattr(
        "metering.keys.hmac.compare_digest", lambda *both: compared.append(list(map(len, both)))
    )
    for tried in (text, f"metering_{made.id}_no", "metering_0_no", "no", ""):
        keys.find(tried)

    assert [[64, 64]] * 5 == compared


def test_another_process_sees_a_change_at_once(keys: KeyFile, path: Path) -> None:
    """A key is good as soon as it is made, and useless as soon as it is revoked."""
    first, text = make(keys)
    other = KeyFile(str(path))
    found = [other.find(text)]
    second, later = make(keys)
    found.append(other.find(later))
    keys.revoke(first.id)
    found += [other.find(text), other.find(later)]

    assert [first, second, None, second] == found


def test_keys_are_listed_in_the_order_they_were_made(keys: KeyFile) -> None:
    """Oldest first."""
    made = sorted((make(keys)[0] for _ in range(5)), key=lambda key: (key.created, key.id))

    assert made == keys.list()


def test_no_change_is_lost(keys: KeyFile, path: Path) -> None:
    """Several commands at a time take turns."""
    make(keys)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: make(KeyFile(str(path)))[0].id, range(40)))

    assert set(made) < {key.id for key in keys.list()}
    assert 41 == len(keys.list())


def test_a_key_that_is_not_there_cannot_be_revoked(keys: KeyFile) -> None:
    """And nothing changes."""
    made, _ = make(keys)

    with pytest.raises(NotFound):
        keys.revoke("0" * 12)
    assert [made] == keys.list()


def test_a_file_stays_with_its_owner(keys: KeyFile, path: Path) -> None:
    """Root may change the keys of the service's user, who can read them afterwards."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    make(keys)
    os.chown(path, 12345, 12346)
    make(keys)

    assert (12345, 12346, 0o600) == (
        path.stat().st_uid,
        path.stat().st_gid,
        stat.S_IMODE(path.stat().st_mode),
    )


def test_a_write_that_fails_changes_nothing(
    keys: KeyFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is as it was, and there is no other."""
    made, text = make(keys)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("metering.keys.os.fsync", full)
    with pytest.raises(Misconfigured, match="cannot be written: No space left"):
        make(keys)
    assert made == KeyFile(str(path)).find(text)
    assert [path] == list(path.parent.iterdir())


@pytest.mark.parametrize(
    "contents", ["", "{", "[]", '{"keys": [{"id": 1}]}', '{"keys": 0}', "\xff"]
)
def test_a_file_of_something_else(keys: KeyFile, path: Path, contents: str) -> None:
    """It is no file without keys, and is not overwritten."""
    path.write_text(contents, encoding="latin-1")

    with pytest.raises(Misconfigured, match="it holds no keys"):
        keys.find("x")
    with pytest.raises(Misconfigured, match="it holds no keys"):
        make(keys)
    assert contents == path.read_text(encoding="latin-1")


def test_no_file(keys: KeyFile) -> None:
    """Where there is none nobody is found, and it is said why."""
    with pytest.raises(
        Misconfigured, match=r"there is no file of keys .*; metering-manage key create makes one"
    ):
        keys.find("x")


def test_no_folder(tmp_path: Path) -> None:
    """None is made for it."""
    with pytest.raises(Misconfigured, match="cannot be written: No such file"):
        make(KeyFile(str(tmp_path / "none" / "keys.json")))


@pytest.mark.parametrize("name", ["", " ", "p ", "\tp", "a\nb", "a\x00", "x" * 256])
def test_a_project_that_cannot_be_one(keys: KeyFile, path: Path, name: str) -> None:
    """Empty, with blanks at an end, with control characters, or too long."""
    with pytest.raises(InvalidRequest, match="project"):
        make(keys, project=name)
    assert not path.exists()


@pytest.mark.parametrize("role", ["", " admin", "admin,member", "a b", "x" * 65, "роль"])
def test_a_role_that_cannot_be_one(keys: KeyFile, role: str) -> None:
    """Two roles in one are a mistake that would grant nothing, or too much."""
    with pytest.raises(InvalidRequest, match="a role is"):
        keys.create(project="p-1", user=None, roles=[role], note="")
