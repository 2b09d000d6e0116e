"""Reading and writing instants, half-open ranges, and windows."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import iso8601
import pytest
import strategies
from builders import MILLISECOND, NOON, after_noon
from hypothesis import given
from hypothesis import strategies as st

from metering import times
from metering.errors import InvalidRequest
from metering.times import EPOCH, EVER, LAST, FixedWindows, ListedWindows, Range

READ = [
    ("2015", (2015, 1, 1)),
    ("2015-06", (2015, 6, 1)),
    ("2015-06-05", (2015, 6, 5)),
    ("2015-6-5", (2015, 6, 5)),
    ("20150605", (2015, 6, 5)),
    ("2015-06-05T14", (2015, 6, 5, 14)),
    ("2015-06-05T14:30", (2015, 6, 5, 14, 30)),
    ("2015-06-05 14:30", (2015, 6, 5, 14, 30)),
    ("2015-06-05T14:30:15", (2015, 6, 5, 14, 30, 15)),
    ("20150605T143015", (2015, 6, 5, 14, 30, 15)),
    ("2015-06-05T14:30:15Z", (2015, 6, 5, 14, 30, 15)),
    ("2015-06-05T14:30:15.5", (2015, 6, 5, 14, 30, 15, 500000)),
    ("2015-06-05T14:30:15,5", (2015, 6, 5, 14, 30, 15, 500000)),
    ("2015-06-05T14:30:15.999999", (2015, 6, 5, 14, 30, 15, 999000)),
    ("2015-06-05T14:30:15.0019999Z", (2015, 6, 5, 14, 30, 15, 1000)),
    ("1969-12-31T23:59:59.9999", (1969, 12, 31, 23, 59, 59, 999000)),
    ("2015-06-05T14:30:15+02:00", (2015, 6, 5, 12, 30, 15)),
    ("2015-06-05T14:30:15+0200", (2015, 6, 5, 12, 30, 15)),
    ("2015-06-05T14:30:15+02", (2015, 6, 5, 12, 30, 15)),
    ("2015-06-05T14:30:15-00:30", (2015, 6, 5, 15, 0, 15)),
    ("2015-06-05T00:30:00+05:45", (2015, 6, 4, 18, 45)),
    ("2016-02-29", (2016, 2, 29)),
    ("0001-01-01", (1, 1, 1)),
    ("0001-01-01T02:00:00+02:00", (1, 1, 1)),
    ("9999-12-31T23:59:59.999999", (9999, 12, 31, 23, 59, 59, 999000)),
    ("9999-12-31T21:59:59-02:00", (9999, 12, 31, 23, 59, 59)),
]

NOT_READ = [
    "",
    " ",
    "now",
    "10:30",
    "1433514615",
    "-1",
    "2015-13-01",
    "2015-00-01",
    "2015-02-29",
    "2015-06-31",
    "0000-01-01",
    "10000-01-01",
    "2015-W23-5",
    "2015-156",
    "15-06-05",
    "2015/06/05",
    "2015-06-05T24:00:00",
    "2015-06-05T14:60:00",
    "2015-06-05T23:59:60",
    "2015-06-05T",
    "2015-06-05T14:30:15.",
    "2015-06-05T14:30:15+",
    "2015-06-05T14:30:15+24:00",
    "2015-06-05T14:30:15 02:00",
    "2015-06-05T14:30:15 UTC",
    "2015-06-05T14:30:15\n",
    " 2015-06-05",
    "\uff12\uff10\uff11\uff15-06-05",
    "2015-06-05T14:30:15\0",
    "Fri, 05 Jun 2015 14:30:15 GMT",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59.999-00:01",
    "2015-06-05T14:30:15.5" + "0" * 100,
    "9" * 10**6,
]


@pytest.mark.parametrize(("text", "parts"), READ, ids=[text for text, _ in READ])
def test_read(text: str, parts: tuple[int, ...]) -> None:
    """ISO 8601 as v2 took it is read, naive as UTC, offsets converted, milliseconds cut."""
    found = times.read(text)

    assert datetime(*parts, tzinfo=UTC) == found
    assert timedelta(0) == found.utcoffset()


@pytest.mark.parametrize("text", NOT_READ, ids=[repr(text[:40]) for text in NOT_READ])
def test_not_read(text: str) -> None:
    """Anything else is an invalid request in v2's words, with the value cut."""
    with pytest.raises(InvalidRequest) as raised:
        times.read(text, "start")

    expected = f"Invalid input for field/attribute start. Value: '{text[:100]}'. "
    assert raised.value.message.startswith(f"{expected}invalid timestamp format")
    assert "start" == raised.value.field


SPELLED = [
    ("Thu Sep 24 11:01:34 2015", (2015, 9, 24, 11, 1, 34)),
    ("Fri Jan  2 00:00:00 2015", (2015, 1, 2)),
    ("Fri Jan 2 00:00:00 2015", (2015, 1, 2)),
    ("Mon Sep 24 11:01:34 2015", (2015, 9, 24, 11, 1, 34)),
    ("Thu, 24 Sep 2015 11:01:34 GMT", (2015, 9, 24, 11, 1, 34)),
    ("Wed, 31 Dec 2014 23:59:59 GMT", (2014, 12, 31, 23, 59, 59)),
    ("2015-09-24 11:01:34 UTC", (2015, 9, 24, 11, 1, 34)),
    ("2015-09-24 11:01:34 +0200", (2015, 9, 24, 9, 1, 34)),
    ("2015-09-24 23:01:34 -0530", (2015, 9, 25, 4, 31, 34)),
]

NOT_SPELLED = [
    "Thu Sep 24 11:01:34",
    "Thu Sep 24 11:01:34 CEST 2015",
    "Thu Sep 24 11:01:34 15",
    "Thu Sep 24 11:01:60 2015",
    "thu sep 24 11:01:34 2015",
    "Do Sep 24 11:01:34 2015",
    "Thu Mai 24 11:01:34 2015",
    "Mon Feb 29 11:01:34 2015",
    "Thu Sep 24 11:01:34 2015\n",
    "Thu Sep \uff12\uff14 11:01:34 2015",
    "Thu, 24 Sep 2015 11:01:34",
    "Thu, 24 Sep 2015 11:01:34 +0000",
    "Thu, 24 Sep 2015 11:01:34 EST",
    "24 Sep 2015 11:01:34 GMT",
    "2015-09-24 11:01:34 CET",
    "2015-09-24 11:01:34 +02",
    "2015-09-24 11:01:34 +2400",
    "2015-09-24 11:01 UTC",
    "2015-9-24 11:01:34 UTC",
    "0001-01-01 00:00:00 +0001",
    "Aug 2 2015 4pm",
    "09/24/2015",
]


@pytest.mark.parametrize(("text", "parts"), READ + SPELLED, ids=[one for one, _ in READ + SPELLED])
def test_sent(text: str, parts: tuple[int, ...]) -> None:
    """Samples have any form that is read, and those of C, of HTTP and of Ruby, in English."""
    assert datetime(*parts, tzinfo=UTC) == times.read_sent(text, "timestamp")


@pytest.mark.parametrize("offset", [" 02:00", " 0530"])
def test_a_plus_that_was_sent_as_a_blank(offset: str) -> None:
    """As a browser or a form does; the refusal says what to send."""
    with pytest.raises(
        InvalidRequest, match=r"invalid timestamp format: in a URL, . is written %2B"
    ):
        times.read(f"2026-11-01T00:00:00{offset}", "start")


NOT_SENT = [one for one in NOT_READ if not one.endswith(" GMT")] + NOT_SPELLED


@pytest.mark.parametrize("text", NOT_SENT, ids=[repr(text[:40]) for text in NOT_SENT])
def test_not_sent(text: str) -> None:
    """Nothing is guessed: what has another form, or names no day, is refused in v2's words."""
    with pytest.raises(InvalidRequest) as raised:
        times.read_sent(text, "timestamp")

    expected = f"Invalid input for field/attribute timestamp. Value: '{text[:100]}'. "
    assert raised.value.message.startswith(f"{expected}invalid timestamp format")


@pytest.mark.parametrize("text", [text for text, _ in SPELLED])
def test_only_samples_spell_instants_out(text: str) -> None:
    """Questions have ISO 8601, as in v2."""
    with pytest.raises(InvalidRequest):
        times.read(text)


@given(st.text("0123456789-T:.,+Z W", max_size=30) | st.text(max_size=8))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text raises anything but InvalidRequest, and what is read can be kept."""
    try:
        found = times.read(text)
    except InvalidRequest:
        return

    assert 0 == found.microsecond % 1000


@given(
    st.datetimes(),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
    st.sampled_from(["", "Z", "+00:00"]),
)
def test_the_usual_forms_are_read_as_all_others(at: datetime, detail: str, zone: str) -> None:
    """The short cut for them gives what the library gives."""
    text = at.isoformat(timespec=detail) + zone

    assert times.truncate(iso8601.parse_date(text)) == times.read(text)


@given(st.datetimes(timezones=st.just(UTC)).map(times.truncate))
def test_what_is_written_is_read(instant: datetime) -> None:
    """Both written forms are read back as the same instant."""
    assert instant == times.read(times.write(instant)) == times.read(times.write_naive(instant))


@given(st.datetimes(timezones=st.just(UTC)).map(times.truncate))
def test_what_is_written_is_iso_8601(instant: datetime) -> None:
    """The quick way to write gives what the standard library gives."""
    naive = instant.replace(tzinfo=None)
    detail = "milliseconds" if instant.microsecond else "seconds"

    assert naive.isoformat() == times.write_naive(instant)
    assert f"{naive.isoformat(timespec=detail)}Z" == times.write(instant)


@given(st.datetimes(timezones=st.just(UTC)).map(times.truncate))
def test_milliseconds_and_back(instant: datetime) -> None:
    """Milliseconds since 1970 name every instant that can be kept."""
    assert instant == times.from_milliseconds(times.to_milliseconds(instant))
    assert (instant - EPOCH) / MILLISECOND == times.to_milliseconds(instant)


@pytest.mark.parametrize(
    ("instant", "naive", "with_z"),
    [
        (NOON, "2015-06-01T12:00:00", "2015-06-01T12:00:00Z"),
        (after_noon(0.05), "2015-06-01T12:00:00.050000", "2015-06-01T12:00:00.050Z"),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00", "0001-01-01T00:00:00Z"),
    ],
)
def test_written_forms(instant: datetime, naive: str, with_z: str) -> None:
    """v2's form is naive with six digits, ours ends in Z with three; only where not zero."""
    assert naive == times.write_naive(instant)
    assert with_z == times.write(instant)


def test_truncate_is_floor() -> None:
    """Microseconds are cut, before 1970 as well."""
    assert after_noon(0.999) == times.truncate(NOON + timedelta(microseconds=999999))
    before = datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert EPOCH - MILLISECOND == times.truncate(before)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-06-05T14:30:15.5555", "2015-06-05T14:30:15.555000"),
        ("2015-06", "2015-06-01T00:00:00"),
        ("2015-06-05T14:30:15Z", "2015-06-05T14:30:15+00:00"),
        ("2015-06-05T14:30:15+02:00", "2015-06-05T12:30:15+00:00"),
    ],
)
def test_what_a_clock_shows(text: str, expected: str) -> None:
    """A text without an offset is no instant yet."""
    assert expected == times.read_wall(text, "start").isoformat()


@pytest.mark.parametrize("text", NOT_READ, ids=[repr(text[:40]) for text in NOT_READ])
def test_what_no_clock_shows(text: str) -> None:
    """What is no time is none without a zone either."""
    with pytest.raises(InvalidRequest, match="invalid timestamp format") as raised:
        times.read_wall(text, "start")

    assert "start" == raised.value.field


def test_written_in_a_zone() -> None:
    """With the offset that the zone has then."""
    berlin = ZoneInfo("Europe/Berlin")

    assert "2015-06-01T14:00:00+02:00" == times.write_local(NOON, berlin)
    assert "2015-06-01T12:00:00.001000+00:00" == times.write_local(after_noon(0.001), UTC)
    with pytest.raises(OverflowError):
        times.write_local(LAST, berlin)


def test_now_can_be_kept() -> None:
    """The current instant is in UTC and has whole milliseconds."""
    now = times.now()

    assert 0 == now.microsecond % 1000
    assert timedelta(0) == now.utcoffset()


def test_following() -> None:
    """The next instant is a millisecond later; after the last there is none."""
    assert after_noon(0.001) == times.following(NOON)
    assert LAST == times.following(LAST - MILLISECOND)
    assert times.following(LAST) is None


IN_RANGE = [
    pytest.param(Range(), [True, True, True, True], id="ever"),
    pytest.param(Range(NOON, None), [False, True, True, True], id="from"),
    pytest.param(Range(None, after_noon(1)), [True, True, False, False], id="until"),
    pytest.param(Range(NOON, after_noon(1)), [False, True, False, False], id="both"),
    pytest.param(Range(NOON, NOON), [False] * 4, id="empty"),
    pytest.param(Range(after_noon(1), NOON), [False] * 4, id="backwards"),
]


@pytest.mark.parametrize(("range_", "expected"), IN_RANGE)
def test_range_is_half_open(range_: Range, expected: list[bool]) -> None:
    """A range holds its start, not its end."""
    instants = [NOON - MILLISECOND, NOON, after_noon(1), after_noon(1.001)]

    assert expected == [instant in range_ for instant in instants]


def test_same_instant_in_another_zone() -> None:
    """Ranges compare instants, not clocks."""
    local = NOON.astimezone(timezone(timedelta(hours=2)))

    assert local in Range(NOON, after_noon(0.001))


@given(strategies.ranges, strategies.ranges, strategies.instants)
def test_intersection(one: Range, other: Range, instant: datetime) -> None:
    """An instant lies in `one & other` exactly if it lies in both."""
    assert (instant in one and instant in other) == (instant in (one & other))


@given(strategies.ranges, strategies.instants)
def test_empty_ranges_hold_nothing(range_: Range, instant: datetime) -> None:
    """A range that says it is empty holds no instant."""
    assert not (range_.is_empty and instant in range_)


def test_what_ranges_say_of_themselves() -> None:
    """Only a range without bounds is unbounded, only one that ends where it starts is empty."""
    assert EVER.is_unbounded
    assert not Range(NOON, None).is_unbounded
    assert not Range(None, NOON).is_unbounded
    assert Range(NOON, NOON).is_empty
    assert Range(after_noon(1), NOON).is_empty
    assert not Range(NOON, after_noon(0.001)).is_empty
    assert not Range(NOON, None).is_empty


@pytest.mark.parametrize(
    ("seconds", "start"),
    [
        pytest.param(0, 0, id="at-anchor"),
        pytest.param(59.999, 0, id="last-millisecond"),
        pytest.param(60, 60, id="next"),
        pytest.param(-0.001, -60, id="before"),
        pytest.param(-60, -60, id="one-before"),
        pytest.param(10**9 + 1, 10**9 - 40, id="far"),
    ],
)
def test_fixed_windows(seconds: float, start: float) -> None:
    """An instant lies in the half-open window that is counted from the anchor."""
    expected = Range(after_noon(start), after_noon(start + 60))

    assert expected == FixedWindows(NOON, 60).containing(after_noon(seconds))


@given(strategies.fixed_windows, strategies.instants)
def test_every_instant_is_in_its_window(windows: FixedWindows, instant: datetime) -> None:
    """The window that holds an instant holds it, and has the length asked for."""
    window = windows.containing(instant)

    assert instant in window
    assert window.start is not None
    assert window.end is not None
    assert timedelta(seconds=windows.period_seconds) == window.end - window.start
    assert timedelta(0) == (window.start - windows.anchor) % (window.end - window.start)


def test_window_beyond_the_calendar() -> None:
    """A window that would end after the year 9999 is an overflow, not a shorter window."""
    with pytest.raises(OverflowError):
        FixedWindows(NOON, 3 * 10**11).containing(after_noon(1))


def test_listed_windows() -> None:
    """Windows from edge to edge, half-open, none outside."""
    edges = (NOON, after_noon(10), after_noon(10.001), after_noon(90))
    windows = ListedWindows(edges)

    assert [Range(one, other) for one, other in pairwise(edges)] == [*windows]
    for window in windows:
        assert window.start
        assert window.end
        assert window == windows.containing(window.start)
        assert window == windows.containing(window.end - MILLISECOND)


@pytest.mark.parametrize("seconds", [-0.001, 90, 91])
def test_no_listed_window_holds_it(seconds: float) -> None:
    """Before the first and from the end of the last on there is none."""
    with pytest.raises(ValueError, match="no window holds"):
        ListedWindows((NOON, after_noon(90))).containing(after_noon(seconds))


def test_no_listed_windows() -> None:
    """Without edges there are none."""
    assert [] == [*ListedWindows()]
    with pytest.raises(ValueError, match="no window holds"):
        ListedWindows().containing(NOON)
