"""What was read lately and never changes: a question reads only what this process does not know."""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Generic, TypeVar

from metering.chunks import chunks
from metering.metadata import Metadata
from metering.model import Track
from metering.remembered import Remembered
from metering.storage.handles import Handle

_BYTES_REMEMBERED = 16 * 1024 * 1024
_READ_AT_ONCE = 1_000
_BYTES_OF_TRACK = 700
_BYTES_BESIDE_METADATA = 300

T = TypeVar("T", Track, Metadata)
Read = Callable[[Collection[Handle]], Iterable[tuple[Handle, T]]]


class DigestCache(Generic[T]):
    """Some megabytes of tracks or descriptions, by their digests.

    A digest stands for all that each is, in every database and for ever, so what is known of one
    cannot be wrong. Whether the database has a track is not known here: each question asks it
    first which there are. So what is gone (its database was dropped, or restored from a backup) is
    in no answer, and what came back under another handle is right.
    """

    def __init__(self) -> None:
        """Nothing is known."""
        self._by_digest: Remembered[bytes, T] = Remembered(_BYTES_REMEMBERED, _weigh)

    def completed(
        self, found: Iterable[tuple[Handle, bytes]], read: Read[T]
    ) -> Iterator[tuple[Handle, T]]:
        """Those with these handles and digests, in order; what is not known is read."""
        for some in chunks(found, _READ_AT_ONCE):
            known = {handle: self._by_digest.get(digest) for handle, digest in some}
            unknown = [handle for handle, one in known.items() if one is None]
            for handle, one in read(unknown) if unknown else ():
                self._by_digest.add(one.digest, one)
                known[handle] = one
            yield from ((handle, one) for handle, one in known.items() if one is not None)


def _weigh(_: bytes, one: Track | Metadata) -> int:
    if isinstance(one, Track):
        return _BYTES_OF_TRACK
    return len(one.text) + _BYTES_BESIDE_METADATA
