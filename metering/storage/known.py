"""Series that were read lately: a question reads only those that this process does not know."""

from collections.abc import Callable, Collection, Iterable, Iterator

from metering.model import Series
from metering.remembered import Remembered
from metering.storage.chunks import chunks
from metering.storage.handles import Handle

_BYTES_REMEMBERED = 32 * 1024 * 1024
_SERIES_AT_ONCE = 1_000
# As measured: a description takes three times its text once a filter has parsed it.
_TIMES_METADATA = 4
_BYTES_BESIDE_METADATA = 700

Read = Callable[[Collection[Handle]], Iterable[tuple[Handle, Series]]]


class KnownSeries:
    """Series by their digests, as many as have some megabytes.

    A digest stands for all that a series is, in every database and for ever, so what is known of
    one cannot be wrong. Whether the database has it is not known here: each question asks it
    first which series there are. So a series that is gone (its database was dropped, or restored
    from a backup) is in no answer, and one that came back under another handle is right.
    """

    def __init__(self) -> None:
        """Nothing is known."""
        self._by_digest: Remembered[bytes, Series] = Remembered(_BYTES_REMEMBERED, _weigh)

    def completed(
        self, found: Iterable[tuple[Handle, bytes]], read: Read
    ) -> Iterator[tuple[Handle, Series]]:
        """The series with these handles and digests, in order; what is not known is read."""
        for some in chunks(found, _SERIES_AT_ONCE):
            series = {handle: self._by_digest.get(digest) for handle, digest in some}
            unknown = [handle for handle, one in series.items() if one is None]
            for handle, one in read(unknown) if unknown else ():
                self._by_digest.add(one.digest, one)
                series[handle] = one
            yield from ((handle, one) for handle, one in series.items() if one is not None)


def _weigh(series: Series) -> int:
    return _TIMES_METADATA * len(series.metadata.text) + _BYTES_BESIDE_METADATA
