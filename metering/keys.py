"""API keys: who calls where there is no Keystone. They live in one small file of JSON.

The file has a digest of each key, never the key itself, which is shown once, when it is made. It
is replaced as a whole, so that a reader sees all of a change or nothing, and read again as soon
as it is another: a key that is revoked ends with the next request.
"""

import contextlib
import fcntl
import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from metering import times
from metering.errors import InvalidRequest, Misconfigured, NotFound

_PREFIX = "metering"
_SECRET_BYTES = 32
_ID_BYTES = 6
_NO_DIGEST = "0" * 64
_ROLE = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_LONGEST_TEXT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is kept: whose it is, and the digest by which it is known again."""

    id: str
    digest: str
    project: str | None
    user: str | None
    roles: tuple[str, ...]
    created: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contents:
    keys: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read, and of which file: a replacement always has another inode or time."""

    version: tuple[int, ...]
    keys: dict[str, Key]


class KeyFile:
    """The keys in a file; may be asked from several threads, and changed by several processes."""

    def __init__(self, path: str) -> None:
        """Work on the file at the path; it need not exist before the first key is made."""
        self._path = Path(path)
        self._read = _Read((), {})

    def list(self) -> list[Key]:
        """All keys, oldest first.

        Raises:
            Misconfigured: the file is not there, or is no file of keys.
        """
        return sorted(self._current().values(), key=lambda key: (key.created, key.id))

    def find(self, text: str) -> Key | None:
        """The key with that text; how long the answer takes says nothing about any key.

        Raises:
            Misconfigured: the file is not there, or is no file of keys.
        """
        key = self._current().get(_id_in(text))
        expected = key.digest if key else _NO_DIGEST
        return key if hmac.compare_digest(_digest(text), expected) else None

    def create(
        self, *, project: str | None, user: str | None, roles: Sequence[str], note: str
    ) -> tuple[Key, str]:
        """Make a key, and give it with its text, which nobody can learn again.

        Raises:
            InvalidRequest: a name that cannot be one.
            Misconfigured: the file cannot be read or written.
        """
        made = secrets.token_hex(_ID_BYTES)
        text = f"{_PREFIX}_{made}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        key = Key(
            id=made,
            digest=_digest(text),
            project=_checked("project", project),
            user=_checked("user", user),
            roles=_checked_roles(roles),
            created=times.now(),
            note=_checked("note", note or None) or "",
        )
        with self._locked() as directory:
            kept = self._current() if self._path.exists() else {}
            self._replace([*kept.values(), key], directory)
        return key, text

    def revoke(self, key_id: str) -> Key:
        """Forget a key, for ever.

        Raises:
            NotFound: there is no such key.
            Misconfigured: the file cannot be read or written.
        """
        with self._locked() as directory:
            kept = dict(self._current())
            if key_id not in kept:
                raise NotFound("Key", key_id)
            revoked = kept.pop(key_id)
            self._replace(list(kept.values()), directory)
        return revoked

    def _current(self) -> dict[str, Key]:
        try:
            found = self._path.stat()
            version = (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)
            if version != self._read.version:
                contents = msgspec.json.decode(self._path.read_bytes(), type=_Contents)
                self._read = _Read(version, {key.id: key for key in contents.keys})
        except FileNotFoundError as error:
            message = f"there is no file of keys {self._path}; metering-manage key create makes one"
            raise Misconfigured(message, field="[api] keys_file") from error
        except (OSError, msgspec.DecodeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it holds no keys"
            message = f"the file of keys {self._path} cannot be read: {reason}"
            raise Misconfigured(message, field="[api] keys_file") from error
        return self._read.keys

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """Keep other changes out; gives the file's directory, whose lock it is."""
        try:
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise self._cannot_write(error) from error
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield directory
        finally:
            os.close(directory)

    def _replace(self, keys: Sequence[Key], directory: int) -> None:
        """Put another file in the place of this one: all of it, durably, or nothing."""
        written = msgspec.json.format(msgspec.json.encode(_Contents(keys=tuple(keys))), indent=2)
        try:
            # mkstemp makes it for its owner alone (0600), as it stays.
            handle, temporary = tempfile.mkstemp(prefix=".keys-", dir=self._path.parent)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(written + b"\n")
                    file.flush()
                    self._keep_owner(handle)
                    os.fsync(handle)
                Path(temporary).replace(self._path)
            except BaseException:
                Path(temporary).unlink()
                raise
            os.fsync(directory)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _keep_owner(self, handle: int) -> None:
        """Leave the file to whom it belongs: root may change the keys of the service's user."""
        if os.geteuid() == 0 and self._path.exists():
            was = self._path.stat()
            os.fchown(handle, was.st_uid, was.st_gid)

    def _cannot_write(self, error: OSError) -> Misconfigured:
        message = f"the file of keys {self._path} cannot be written: {error.strerror}"
        return Misconfigured(message, field="[api] keys_file")


def _digest(text: str) -> str:
    """A plain SHA-256 is right here, although it would be wrong for passwords.

    A slow hash protects what can be guessed. Nobody guesses 256 random bits, however fast the
    hash; and a slow one would be paid with every request.
    """
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _id_in(text: str) -> str:
    parts = text.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == _PREFIX else ""  # noqa: PLR2004 - its parts


def _checked(name: str, text: str | None) -> str | None:
    """The text, if a client, a log and a header can carry it as it is."""
    if text is None:
        return None
    if not text or text != text.strip() or not text.isprintable() or len(text) > _LONGEST_TEXT:
        message = f"{name} must be 1 to {_LONGEST_TEXT} printable characters, no blank at an end"
        raise InvalidRequest(message, field=name)
    return text


def _checked_roles(roles: Sequence[str]) -> tuple[str, ...]:
    for role in roles:
        if not _ROLE.fullmatch(role):
            message = f"a role is letters, digits and _.:- only, not {role[:64]!r}"
            raise InvalidRequest(message, field="role")
    return tuple(dict.fromkeys(roles))
