"""What is asked of MongoDB, as arguments of `find` and stages of `aggregate`: pure.

Field names are ours, and values stand behind `$eq`, `$in` and the like, so that none
is taken for an operator. Which index answers is in `indexes`; tests look at the plans.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from pymongo import ASCENDING, DESCENDING

from metering.storage.mongodb.indexes import (
    BLOCKS,
    BY_RESOURCE,
    BY_ROLLUP,
    BY_TIME,
    BY_TRACK,
    STRUCK,
)
from metering.storage.mongodb.names import RANK, RECORDED_AT, TRACK, VOLUME
from metering.storage.mongodb.ranks import Ranks, ranks_between, ranks_in
from metering.times import Range

Find = dict[str, Any]
Stages = list[dict[str, Any]]

# MongoDB merges the index scans of at most so many tracks (internalQueryMaxScansToExplode); the
# samples of more it would have to sort.
MOST_TRACKS_MERGED = 200
# Beyond this the list of tracks is not sent (it has 25 bytes for each): the reader has it.
MOST_TRACKS_SENT = 20_000

# What a track has besides in so much time is read as quickly as an alternative is planned.
_POLLED_TOGETHER = timedelta(minutes=1)
_NO_DAY = -(2**31)
_NEWEST_FIRST = [(RANK, DESCENDING)]
_BY_KEY = [("_id", ASCENDING)]
_BY_RESOURCE = [("resource_id", ASCENDING)]
# Naming what is wanted takes MongoDB two thirds of the time of naming what is not.
_READING = {"_id": False, TRACK: True, RANK: True, VOLUME: True}
_BLOCK_FIELDS = {"_id": False, "of": True, "month": True, "days": True, "struck": True}


@dataclass(frozen=True, slots=True)
class Ends:
    """The tracks whose ends are asked for, the range, and if not None, the last recorded_at."""

    handles: Collection[Any]
    range: Range
    as_of: datetime | None


def tracks_with(equal: Mapping[str, Any]) -> Find:
    """Tracks, or rollups, whose fields equal these values; None finds null: fields always exist."""
    return {"filter": {name: {"$eq": value} for name, value in equal.items()}}


def handles_of_resources(resource_ids: Collection[str], equal: Mapping[str, Any]) -> Find:
    """The handles alone, as `_id`, of the tracks of these resources whose fields equal these."""
    return {
        "filter": {**tracks_with(equal)["filter"], "resource_id": {"$in": list(resource_ids)}},
        "projection": {"_id": True},
        "hint": BY_RESOURCE.keys,
    }


def handles_with(equal: Mapping[str, Any], *, by_resource: bool = False) -> Find:
    """The handles alone of the same tracks, as `_id`; in the order of resources if asked so."""
    find = {**tracks_with(equal), "projection": {"_id": True}}
    if by_resource:
        return {**find, "sort": _BY_RESOURCE}
    return find if equal else {**find, "hint": _BY_KEY}


def members(rollups: Collection[Any] | None) -> Find:
    """Handle (as `_id`), rollup and type of the tracks of these rollups; of all, if None."""
    find: Find = {"projection": {"rollup": True, "type": True}}
    if rollups is None:
        return {**find, "filter": {}, "hint": _BY_KEY}
    return {**find, "filter": {"rollup": {"$in": list(rollups)}}, "hint": BY_ROLLUP.keys}


def sources_of(equal: Mapping[str, Any]) -> Stages:
    """On `tracks`: the sources of the same tracks, each once as `_id`."""
    return [{"$match": tracks_with(equal)["filter"]}, {"$group": {"_id": "$source"}}]


def among(keys: Iterable[Any]) -> Find:
    """The documents with these keys."""
    return {"filter": {"_id": {"$in": list(keys)}}}


def rollups_of(handles: Collection[Any]) -> Find:
    """The rollup of each of these tracks."""
    return {**among(handles), "projection": {"rollup": True}}


def samples_of_few(handles: Collection[Any], ranks: Ranks) -> Find:
    """The samples of at most `MOST_TRACKS_MERGED` tracks with these ranks, highest first."""
    return {
        "filter": {**_of(handles), **_ranked(ranks)},
        "sort": _NEWEST_FIRST,
        "hint": BY_TRACK.keys,
    }


def samples_of_many(handles: Collection[Any], ranks: Ranks) -> Find:
    """The same for many tracks, with samples of others if there are very many of them."""
    of_tracks = _of(handles) if len(handles) <= MOST_TRACKS_SENT else {}
    return {
        "filter": {**_ranked(ranks), **of_tracks},
        "sort": _NEWEST_FIRST,
        "hint": BY_TIME.keys,
    }


def readings(handles: Collection[Any], range_: Range) -> Find:
    """{track, rank, volume} by track and time, from the index alone."""
    return {
        "filter": {**_of(handles), **_within(range_)},
        "projection": _READING,
        "sort": BY_TRACK.keys[:2],
        "hint": BY_TRACK.keys,
    }


def rows_of(handles: Collection[Any], range_: Range) -> Find:
    """The samples of these tracks in range, by track and time."""
    return {
        "filter": {**_of(handles), **_within(range_)},
        "sort": BY_TRACK.keys[:2],
        "hint": BY_TRACK.keys,
    }


def samples_at(moments: Collection[tuple[Any, datetime]]) -> Find:
    """The samples of each track at its instant, and maybe others of these tracks.

    MongoDB plans each alternative for itself, so what was polled together is one.
    """
    alternatives = [
        {**_of([handle for handle, _ in some]), **_ranked(ranks_between(some[0][1], some[-1][1]))}
        for some in _together(moments)
    ]
    whole = alternatives[0] if len(alternatives) == 1 else {"$or": alternatives}
    return {"filter": whole, "hint": BY_TRACK.keys}


def readings_at(moments: Collection[tuple[Any, datetime]]) -> Find:
    """{track, rank, volume} of these samples, from the index alone."""
    return {**samples_at(moments), "projection": _READING}


# Every document of a collection.
EVERY: Find = {"filter": {}}

# The lowest rank of all, from the index alone.
OLDEST: Find = {
    "filter": {},
    "projection": {"_id": False, RANK: True},
    "sort": BY_TIME.keys,
    "hint": BY_TIME.keys,
    "limit": 1,
}


def any_in(range_: Range) -> Find:
    """The rank of a sample in range, if there is one."""
    return {
        "filter": _within(range_),
        "projection": {"_id": False, RANK: True},
        "hint": BY_TIME.keys,
        "limit": 1,
    }


def positions_of(handles: Collection[Any], range_: Range, limit: int) -> Find:
    """Key, track and rank of some samples of the tracks in range."""
    return {
        "filter": {**_of(handles), **_within(range_)},
        "projection": {TRACK: True, RANK: True},
        "hint": BY_TRACK.keys,
        "limit": limit,
    }


def blocks(handles: Collection[Any], months: range, *, described: bool = False) -> Find:
    """The blocks of tracks or rollups in these months; with descriptions if asked so."""
    also = {"described": True} if described else {}
    return {
        "filter": {
            "of": {"$in": list(handles)},
            "month": {"$gte": months.start, "$lt": months.stop},
        },
        "projection": {**_BLOCK_FIELDS, **also},
        "sort": BLOCKS.keys,
        "hint": BLOCKS.keys,
    }


def strikes(handles: Collection[Any], month: int, run: int) -> dict[str, Any]:
    """The filter of what is struck of these tracks or rollups in a month since before the run."""
    of_month = {"of": {"$in": list(handles)}, "month": month, "is_block": False}
    return {**of_month, "run": {"$lt": run}}


def struck() -> Find:
    """Whose, and of which month, the blocks are in which a day is struck."""
    return {
        "filter": {"struck": {"$gt": _NO_DAY}},
        "projection": {"_id": False, "of": True, "month": True},
        "hint": STRUCK.keys,
    }


def tracks_in_use() -> Stages:
    """On `samples`: each track that has samples, as `_id`; answered with a DISTINCT_SCAN."""
    return [
        {"$sort": {TRACK: 1, RANK: 1}},
        {"$group": {"_id": f"${TRACK}", RANK: {"$first": f"${RANK}"}}},
    ]


def ends(asked: Ends, direction: int) -> Stages:
    """On `samples`: the first sample of each track in the direction, whenever it was recorded.

    The form that MongoDB answers with a DISTINCT_SCAN; recorded_at costs the document as well.
    """
    also = {RECORDED_AT: {"$first": f"${RECORDED_AT}"}} if asked.as_of else {}
    return [
        {"$match": {**_of(asked.handles), **_within(asked.range)}},
        {"$sort": {TRACK: direction, RANK: direction}},
        {"$group": {"_id": f"${TRACK}", RANK: {"$first": f"${RANK}"}, **also}},
    ]


def ends_in_time(asked: Ends, direction: int) -> Stages:
    """On `tracks`: the same of samples with recorded_at <= as_of, walking inwards to find one."""
    in_time = {**_within(asked.range), RECORDED_AT: {"$lte": asked.as_of}}
    first_in_time = [
        {"$match": in_time},
        {"$sort": {RANK: direction}},
        {"$limit": 1},
        {"$project": {"_id": False, RANK: True}},
    ]
    look_up = {
        "from": "samples",
        "localField": "_id",
        "foreignField": TRACK,
        "as": "found",
        "pipeline": first_in_time,
    }
    return [
        {"$match": among(asked.handles)["filter"]},
        {"$project": {"_id": True}},
        {"$lookup": look_up},
        {"$unwind": "$found"},
        {"$project": {RANK: f"$found.{RANK}"}},
    ]


def _together(moments: Collection[tuple[Any, datetime]]) -> Iterator[list[tuple[Any, datetime]]]:
    """The moments in order, those that lie close to each other together."""
    some: list[tuple[Any, datetime]] = []
    for moment in sorted(moments, key=itemgetter(1)):
        if some and moment[1] - some[0][1] > _POLLED_TOGETHER:
            yield some
            some = []
        some.append(moment)
    if some:
        yield some


def _of(handles: Collection[Any]) -> dict[str, Any]:
    return {TRACK: {"$in": list(handles)}}


def _within(range_: Range) -> dict[str, Any]:
    return _ranked(ranks_in(range_))


def _ranked(ranks: Ranks) -> dict[str, Any]:
    bounds = {"$gte": ranks.lowest, "$lte": ranks.highest}
    given = {operator: rank for operator, rank in bounds.items() if rank is not None}
    return {RANK: given} if given else {}
