"""Streams as stretches: successive readings under one description, and what comes after them.

What happens between two readings of a stream belongs to the description at the earlier one (see
docs/quantities.rst). So a stretch accounts for its own intervals and for the one that follows it.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from metering.matching import matches_subject
from metering.model import Subject, is_visible
from metering.query import StreamQuery
from metering.summary import Reading, Summary
from metering.times import Range


class Piece(msgspec.Struct, frozen=True):
    """Readings of a series or track, between which its stream has no others."""

    subject: Subject
    summary: Summary

    def order(self) -> tuple[Reading, bytes]:
        """By which the pieces of a stream are sorted: equal readings by the digest."""
        return self.summary.first, self.subject.digest


class Stretch(msgspec.Struct, frozen=True):
    """Readings of a series, or a track, that follow each other in their stream.

    `until` is when the stream's next reading comes, whoever owns it; `next` is that reading, if the
    caller may see it. `opens` is set if the stretch is in range and begins with the stream's first
    reading. `stream_last` is when the stream's last reading comes, under any description; None if
    one comes at the end of the range or later, or if it is somebody else's.
    """

    subject: Subject
    summary: Summary
    until: datetime | None
    next: Reading | None
    opens: bool
    stream_last: datetime | None


def stretches(pieces: Sequence[Piece], query: StreamQuery) -> list[Stretch]:
    """The stretches of a stream that a query asks for, made of all its pieces in order.

    Pieces may be missing before the last reading that precedes the range, and after the first one
    that follows it. Of those that are there, the ones in range are taken, and the last one before.
    """
    if query.range.is_empty or not pieces:
        return []
    found = []
    stream_last = _last(pieces[-1], query)
    series = {piece.subject.digest: piece.subject for piece in pieces}
    asked = {
        digest
        for digest, one in series.items()
        if is_visible(one, query.scope) and matches_subject(query.filter, one)
    }
    followers: list[Piece | None] = [*pieces[1:], None]
    for index, (piece, follower) in enumerate(zip(pieces, followers, strict=False)):
        summary = piece.summary
        is_before = _is_before(summary, query.range)
        is_last_before = is_before and not (follower and _is_before(follower.summary, query.range))
        if (is_last_before or summary.first.at in query.range) and piece.subject.digest in asked:
            following = None if follower is None else follower.summary.first
            is_known = follower is not None and is_visible(follower.subject, query.scope)
            found.append(
                Stretch(
                    subject=piece.subject,
                    summary=summary,
                    until=following.at if following else None,
                    next=following if is_known else None,
                    opens=index == 0 and not is_before,
                    stream_last=stream_last,
                )
            )
    return found


def _last(piece: Piece, query: StreamQuery) -> datetime | None:
    """The instant of a stream's last reading, which this piece has, as `Stretch` tells it."""
    at, end = piece.summary.last.at, query.range.end
    is_in_range = end is None or at < end
    return at if is_in_range and is_visible(piece.subject, query.scope) else None


def _is_before(summary: Summary, range_: Range) -> bool:
    return range_.start is not None and summary.last.at < range_.start
