"""Walks through samples, batch by batch: each batch is a find of its own, and its whole answer.

So no cursor is open while the caller thinks, whether it comes back or not, and each find has the
time limit of a question. Samples of one rank come in no order, and the last of a batch may have
more of its rank than came: the next batch begins with that rank again. Samples never change, so
none is met twice.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from heapq import merge
from itertools import dropwhile
from operator import attrgetter
from typing import Any

from metering.chunks import chunks
from metering.query import Position
from metering.storage.mongodb import questions
from metering.storage.mongodb.mapping import Found
from metering.storage.mongodb.questions import Find
from metering.storage.mongodb.ranks import Ranks, rank_of, ranks_in
from metering.times import Range

Ask = Callable[[Find], Iterator[Found]]

MOST_WALKS = 20
# A page of the usual size is one batch.
_FIRST_BATCH = 128
# Of some 150 bytes, as MongoDB sends them. Smaller batches of many tracks take twice as long: to
# begin costs some milliseconds for two hundred of them.
_ROWS_OF_ALL_WALKS = 20_000

_POSITION = attrgetter("position")


def newest_first(
    ask: Ask,
    handles: Collection[Any],
    range_: Range,
    after: Position | None,
    count_tracks: Callable[[], int],
) -> Iterator[Found]:
    """The samples of the tracks in range by (timestamp, key) descending, after a position.

    If these are all tracks that there are, the index by time reads nothing in vain either.
    """
    ranks = ranks_in(range_)
    if after is not None:
        rank = rank_of(after.timestamp, after.key)
        ranks = Ranks(ranks.lowest, rank if ranks.highest is None else min(rank, ranks.highest))
    walks = len(handles) / questions.MOST_TRACKS_MERGED
    if walks <= 1 or (walks <= MOST_WALKS and len(handles) < count_tracks()):
        found = _merged(ask, handles, ranks)
    else:
        found = _picked(ask, handles, ranks)
    if after is not None:
        found = dropwhile(lambda one: one.position >= (rank, after.key), found)
    yield from found


def _merged(ask: Ask, handles: Collection[Any], ranks: Ranks) -> Iterator[Found]:
    """From the index by track: reads nothing in vain, however rare the samples are."""
    groups = list(chunks(handles, questions.MOST_TRACKS_MERGED))
    most = _ROWS_OF_ALL_WALKS // max(len(groups), 1)
    finds = [partial(questions.samples_of_few, group) for group in groups]
    walks = [_walk(ask, find, ranks, most) for find in finds]
    return merge(*walks, key=_POSITION, reverse=True)


def _picked(ask: Ask, handles: Collection[Any], ranks: Ranks) -> Iterator[Found]:
    """From the index by time: reads samples of other tracks in vain."""
    members = frozenset(handles)
    find = partial(questions.samples_of_many, members)
    for found in _walk(ask, find, ranks, _ROWS_OF_ALL_WALKS):
        if found.row.track in members:
            yield found


def _walk(ask: Ask, find: Callable[[Ranks], Find], ranks: Ranks, most: int) -> Iterator[Found]:
    size = min(_FIRST_BATCH, most)
    while True:
        count, rank = 0, None
        equal: list[Found] = []
        for one in ask({**find(ranks), "limit": size, "batch_size": size}):
            count += 1
            if one.position[0] == rank:
                equal.append(one)
            else:
                yield from _in_order(equal)
                rank = one.position[0]
                equal = [one]
        if count < size:
            yield from _in_order(equal)
            return
        ranks = Ranks(ranks.lowest, rank)
        # If all were of one rank, more come now.
        size = min(2 * size, max(most, 2 * len(equal)))


def _in_order(equal: list[Found]) -> list[Found]:
    """Samples of one rank as they are to come; mostly it is one."""
    return sorted(equal, key=_POSITION, reverse=True) if len(equal) > 1 else equal
