"""Bodies that a server hands over piece by piece."""

import io

import pytest

from metering.api.framework.expose import _read_whole


class Reluctant(io.BytesIO):
    """Reads less than it is asked for, as a socket may."""

    def read(self, size: int | None = -1) -> bytes:
        """Three bytes at most."""
        return super().read(min(size or 0, 3))


@pytest.mark.parametrize("kind", [io.BytesIO, Reluctant])
@pytest.mark.parametrize(
    ("length", "expected"), [(0, b""), (2, b"01"), (10, b"0123456789"), (20, b"0123456789ab")]
)
def test_as_much_as_there_is(kind: type[io.BytesIO], length: int, expected: bytes) -> None:
    """All that was asked for, or all up to the end."""
    assert expected == _read_whole(kind(b"0123456789ab"), length)
