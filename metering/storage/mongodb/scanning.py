"""Walks through samples, batch by batch: each batch is a find of its own, and its whole answer.

So no cursor is open while the caller thinks, whether it comes back or not, and each find has the
time limit of a question. A batch begins after the last sample of the one before; samples never
change, so none is met twice.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from heapq import merge
from operator import attrgetter
from typing import Any

from metering.query import Position
from metering.storage.chunks import chunks
from metering.storage.mongodb import questions
from metering.storage.mongodb.mapping import Found
from metering.storage.mongodb.questions import Find
from metering.times import Range

Ask = Callable[[Find], Iterator[Found]]

MOST_WALKS = 20
# A page of the usual size is one batch.
_FIRST_BATCH = 128
# Of some 120 bytes, as MongoDB sends them. Smaller batches of many series take twice as long: to
# begin costs some milliseconds for two hundred of them.
_ROWS_OF_ALL_WALKS = 20_000


def newest_first(
    ask: Ask,
    handles: Collection[Any],
    range_: Range,
    after: Position | None,
    count_series: Callable[[], int],
) -> Iterator[Found]:
    """The samples of the series in range by (timestamp, _id) descending, after a position.

    If these are all series that there are, the index by time reads nothing in vain either.
    """
    walks = len(handles) / questions.MOST_SERIES_MERGED
    if walks <= 1 or (walks <= MOST_WALKS and len(handles) < count_series()):
        yield from _merged(ask, handles, range_, after)
    else:
        yield from _picked(ask, handles, range_, after)


def _merged(
    ask: Ask, handles: Collection[Any], range_: Range, after: Position | None
) -> Iterator[Found]:
    """From the index by series: reads nothing in vain, however rare the samples are."""
    groups = list(chunks(handles, questions.MOST_SERIES_MERGED))
    most = _ROWS_OF_ALL_WALKS // max(len(groups), 1)
    finds = [partial(questions.samples_of_few, group, range_) for group in groups]
    walks = [_walk(ask, find, after, most) for find in finds]
    return merge(*walks, key=attrgetter("position"), reverse=True)


def _picked(
    ask: Ask, handles: Collection[Any], range_: Range, after: Position | None
) -> Iterator[Found]:
    """From the index by time: reads samples of other series in vain."""
    members = frozenset(handles)
    find = partial(questions.samples_of_many, members, range_)
    for found in _walk(ask, find, after, _ROWS_OF_ALL_WALKS):
        if found.row.handle in members:
            yield found


def _walk(
    ask: Ask, find: Callable[[Position | None], Find], after: Position | None, most: int
) -> Iterator[Found]:
    size = min(_FIRST_BATCH, most)
    while True:
        count = 0
        for found in ask({**find(after), "limit": size, "batch_size": size}):
            yield found
            count += 1
        if count < size:
            return
        after = Position(*found.position)
        size = min(2 * size, most)
