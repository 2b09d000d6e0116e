"""Rows of samples as JSON, quickly: what the samples of a series share is encoded once.

Most of a row are the metadata, and those of a series' samples are the same.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from msgspec import Raw

from metering import times
from metering.api.forms.render import encode
from metering.model import Sample, Series

# Of templates, each as long as a row; when there are more, they are made anew.
_MOST_BYTES = 16 * 1024 * 1024


def _volume(sample: Sample) -> bytes:
    """The volume with a fraction, in a quarter of the time that arithmetic takes."""
    written = str(sample.volume)
    return (written if "." in written or "E" in written else written + ".0").encode()


# What differs between samples of a series, by its names in rows, encoded.
_DIFFERENT: dict[str, Callable[[Sample], bytes]] = {
    "id": lambda sample: encode(sample.id),
    "message_id": lambda sample: encode(sample.id),
    "volume": _volume,
    "counter_volume": _volume,
    "timestamp": lambda sample: encode(times.write_naive(sample.timestamp)),
    "recorded_at": lambda sample: encode(times.write_naive(sample.recorded_at)),
}
_MARK = b"\0"  # stands in no JSON


class Templates:
    """Writes samples as JSON, just as the rows that `write` gives would be encoded."""

    def __init__(
        self, write: Callable[[Sample], Any], encode_shared: Callable[[Any], bytes] = encode
    ) -> None:
        """Take what makes rows, dataclasses, and what encodes all that samples share."""
        self._write = write
        self._encode_shared = encode_shared
        self._bytes = 0
        # By identity: it is cheap, and the samples of one answer share their series. Which are kept
        # here, so that nothing else gets the same one.
        self._templates: dict[int, tuple[Series, bytes, list[Callable[[Sample], bytes]]]] = {}

    def row(self, sample: Sample) -> Raw:
        """The row of a sample, encoded."""
        found = self._templates.get(id(sample.series)) or self._make(sample)
        _, template, different = found
        return Raw(template % tuple([write(sample) for write in different]))

    def _make(self, sample: Sample) -> tuple[Series, bytes, list[Callable[[Sample], bytes]]]:
        row = self._write(sample)
        names = [field.name for field in fields(row) if field.name in _DIFFERENT]
        marked = self._encode_shared(replace(row, **{name: Raw(_MARK) for name in names}))
        template = marked.replace(b"%", b"%%").replace(_MARK, b"%b")
        self._bytes += len(template)
        if self._bytes > _MOST_BYTES:
            self._templates.clear()
            self._bytes = len(template)
        made = sample.series, template, [_DIFFERENT[name] for name in names]
        self._templates[id(sample.series)] = made
        return made
