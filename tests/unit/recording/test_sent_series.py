"""The memory of series that were met lately."""

from builders import series

from metering.metadata import Metadata
from metering.recording import sent_series
from metering.recording.sent_series import SentSeries

DESCRIPTION = Metadata.of({"a": 1})
# Of which there is room for one only.
LONG = [Metadata.of({"a": str(number) * 5000}) for number in range(6)]


def test_a_series_is_what_was_sent() -> None:
    """It is found under the same description and the same of everything else, and no other."""
    known = SentSeries(10_000)
    one = series(metadata=DESCRIPTION)
    known.add(DESCRIPTION, ("cpu", "vm-1"), one)

    assert one is known.get(Metadata.of({"a": 1}), ("cpu", "vm-1"))
    assert known.get(DESCRIPTION, ("cpu", "vm-2")) is None
    assert known.get(Metadata.of({"a": 2}), ("cpu", "vm-1")) is None
    assert known.get(None, ("cpu", "vm-1")) is None


def test_a_series_without_description() -> None:
    """None sent is a description too."""
    known = SentSeries(10_000)
    one = series()
    known.add(None, "sent", one)

    assert one is known.get(None, "sent")


def test_what_was_added_last_is_there() -> None:
    """As much as there is room for."""
    known = SentSeries(10_000)
    for one in LONG:
        known.add(one, "sent", series(metadata=one))

    assert known.get(LONG[-1], "sent") is not None


def test_it_is_bounded() -> None:
    """It holds no more bytes than twice what it was made for, in long descriptions or short."""
    known = SentSeries(10_000)
    for one in LONG:
        known.add(one, "sent", series(metadata=one))
    for number in range(100):
        known.add(DESCRIPTION, number, series(metadata=DESCRIPTION))

    assert all(known.get(one, "sent") is None for one in LONG)
    held = sum(known.get(DESCRIPTION, number) is not None for number in range(100))
    assert 0 < held * sent_series._BYTES_OF_SERIES <= 20_000


def test_what_is_asked_for_again_stays() -> None:
    """A series that is met now and then outlives any number that are not."""
    known = SentSeries(10_000)
    met = series(metadata=DESCRIPTION)
    known.add(DESCRIPTION, "met", met)
    for number in range(200):
        known.add(DESCRIPTION, number, series(metadata=DESCRIPTION))

        assert met is known.get(DESCRIPTION, "met")
