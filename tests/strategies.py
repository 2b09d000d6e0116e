"""Hypothesis strategies: few distinct values, so that what is made collides, and hard ones."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from builders import LATER, NOON
from hypothesis import strategies as st

from metering.metadata import Metadata
from metering.model import AllProjects, MeterType, Project, Sample, Series, Submission, Track
from metering.query import (
    EVERYTHING,
    FIELDS,
    AllOf,
    AnyOf,
    Comparison,
    ExtentQuery,
    Field,
    Filter,
    Not,
    Operator,
    SampleQuery,
    SummaryQuery,
    asks_metadata,
    metadata_field,
)
from metering.summary import Reading
from metering.times import EVER, FixedWindows, ListedWindows, Range, WholeRange

SOURCES = ["openstack", "p-1:openstack"]
METERS = ["cpu", "disk.read"]
UNITS = ["", "GB"]
RESOURCES = ["vm-1", "vm-2", "Vm-1"]
PROJECTS = ["p-1", "p-1", "p-2", "", None]
USERS = ["u-1", None]
IDS = [f"s-{number}" for number in range(1, 9)]
TREES: list[dict[str, Any]] = [
    {},
    {"a": 1},
    {"a": "1"},
    {"a": True},
    {"a": Decimal("1.0")},
    {"a": None},
    {"a": []},
    {"a": [1, "1", None]},
    {"a": {"b": 1}},
    {"a.b": 1},
    {"a": {"b": {"c": "x"}}, "b": 2},
    {"a": [{"b": 1}, {"b": "x"}], "ä": "ü"},
    {"$a": {"$b": 2}, "": {"": 0}},
    {"0": "x", "a": [["x"], {"0": False}]},
]
PATHS = ["a", "b", "a.b", "a.b.c", "a.0", "a.0.b", "$a.$b", "$a", "", ".", "0", "ä", "absent"]
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    Decimal("1.0"),
    Decimal("0.5"),
    "1",
    "x",
    "",
    [],
    [1, "1", None],
    ["x"],
    {},
    {"b": 1},
]
# What can stand in a list of values to choose from.
CHOSEN = st.sampled_from([one for one in VALUES if type(one) in (int, Decimal, str)])
VOLUMES = [
    Decimal(text)
    for text in (
        "0",
        "1",
        "2",
        "9",
        "10",
        "-1",
        "-10",
        "0.1",
        "0.2",
        "1E-27",
        "100000000000000000000000000",
        "-999999999999999999999999999",
        "1234567.890123456789012345678901234",
    )
]
PATTERNS = ["", "^$", "p", "^(cpu|s-[1-4])$", "(?i)VM", "[1x]"]
COMPARING = [
    Operator.EQ,
    Operator.NE,
    Operator.LT,
    Operator.LE,
    Operator.GT,
    Operator.GE,
]
PERIODS = [1, 60, 3600, 7000, 86400, 10**9]

_SECONDS = [0, 1, 59, 60, 3600, 3601, 7000, 86400, -1, -60, -86400, 31 * 86400]
_MILLISECONDS = [0, 0, 0, 1, -1, 500]

instants = st.builds(
    lambda seconds, milliseconds: NOON + timedelta(seconds=seconds, milliseconds=milliseconds),
    st.sampled_from(_SECONDS),
    st.sampled_from(_MILLISECONDS),
)

volumes = st.sampled_from(VOLUMES) | st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places),
    st.integers(-(10**27) + 1, 10**27 - 1),
    st.integers(0, 27),
)

metadata = st.sampled_from(TREES).map(Metadata.of)

tracks = st.builds(
    Track,
    source=st.sampled_from(SOURCES),
    meter=st.sampled_from(METERS),
    type=st.sampled_from(MeterType),
    unit=st.sampled_from(UNITS),
    resource_id=st.sampled_from(RESOURCES),
    project_id=st.sampled_from(PROJECTS),
    user_id=st.sampled_from(USERS),
)

series = st.builds(Series, tracks, metadata)

_recording_instants = st.sampled_from([LATER + timedelta(milliseconds=n) for n in range(3)])


def samples(of: st.SearchStrategy[Series] = series) -> st.SearchStrategy[Sample]:
    """Samples of such series."""
    return st.builds(
        Sample,
        series=of,
        id=st.sampled_from(IDS) | st.text("ab é", min_size=1, max_size=3),
        timestamp=instants,
        volume=volumes,
        recorded_at=_recording_instants,
    )


_completed = st.just(frozenset()) | st.frozensets(
    st.sampled_from(["timestamp", "volume", "unit", "project_id", "user_id", "metadata"])
)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[list[Submission], bool]]:
    """Batches in order, each with whether it is atomic: few series, and keys that come again."""
    pool = draw(st.lists(series, min_size=1, max_size=5))
    fresh = st.builds(Submission, samples(st.sampled_from(pool)), _completed)
    sent = draw(st.lists(fresh, min_size=8, max_size=30))
    sent += draw(st.lists(st.sampled_from(sent), max_size=5))
    batches = []
    while sent:
        size = draw(st.integers(1, 12))
        batches.append((sent[:size], draw(st.booleans())))
        sent = sent[size:]
    return batches


def _comparisons(field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Filter]:
    return st.builds(Comparison, st.just(FIELDS[field]), st.sampled_from(COMPARING), values)


def _searches(fields: st.SearchStrategy[Field]) -> st.SearchStrategy[Filter]:
    return st.builds(Comparison, fields, st.just(Operator.MATCHES), st.sampled_from(PATTERNS))


def _choices(
    fields: st.SearchStrategy[Field], values: st.SearchStrategy[Any]
) -> st.SearchStrategy[Filter]:
    some = st.frozensets(values, min_size=1, max_size=3)
    return st.builds(Comparison, fields, st.just(Operator.IN), some)


_texts_by_field = {
    "source": SOURCES,
    "meter": METERS,
    "type": [str(kind) for kind in MeterType],
    "unit": UNITS,
    "resource_id": RESOURCES,
    "project_id": PROJECTS,
    "user_id": USERS,
}

_of_series = st.one_of(
    *(
        _comparisons(name, st.sampled_from([*texts, "absent", "P", None]))
        for name, texts in _texts_by_field.items()
    ),
    _comparisons("unit", st.sampled_from([0, 1, False, []])),
    _searches(st.sampled_from([FIELDS[name] for name in _texts_by_field])),
    _choices(
        st.sampled_from([FIELDS[name] for name in _texts_by_field]),
        st.sampled_from([*METERS, *RESOURCES, *PROJECTS, "gauge", 1]),
    ),
)

_paths = st.sampled_from(PATHS).map(metadata_field)

_of_metadata = st.builds(
    Comparison, _paths, st.sampled_from(COMPARING), st.sampled_from(VALUES)
) | _searches(_paths)
_of_metadata |= _choices(_paths, CHOSEN)

_of_samples = st.one_of(
    _comparisons("id", st.sampled_from([*IDS, "S-1", None])),
    _comparisons("volume", volumes | st.sampled_from([0, 1, None, "1"])),
    _comparisons("timestamp", instants | st.none()),
    _comparisons("recorded_at", _recording_instants),
    _searches(st.just(FIELDS["id"])),
    _choices(st.just(FIELDS["id"]), st.sampled_from([*IDS, "S-1"])),
    _choices(st.just(FIELDS["volume"]), volumes | st.sampled_from([0, 1, "1"])),
    _choices(st.just(FIELDS["timestamp"]), instants),
)


def _trees(leaves: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    """Filters over such leaves; a leaf alone is as likely as any tree."""

    def nodes(parts: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        several = st.lists(parts, max_size=3).map(tuple)
        return st.builds(AllOf, several) | st.builds(AnyOf, several) | st.builds(Not, parts)

    return leaves | st.recursive(leaves, nodes, max_leaves=5)


series_filters = _trees(_of_series | _of_metadata)
filters = _trees(_of_series | _of_metadata | _of_samples)

ranges = st.one_of(
    st.just(EVER),
    st.builds(Range, instants, st.none()),
    st.builds(Range, st.none(), instants),
    st.tuples(instants, instants).map(lambda pair: Range(min(pair), max(pair))),
    st.builds(Range, instants, instants),
)

# Many questions ask widely, or hardly any would find something.
scopes = st.sampled_from(
    [*([AllProjects()] * 6), *(Project(name) for name in ("p-1", "p-1", "p-2", "", "None"))]
)


def _sometimes(narrow: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    return st.one_of(st.just(EVERYTHING), narrow, narrow.map(Not), narrow)


fixed_windows = st.builds(FixedWindows, instants, st.sampled_from(PERIODS))
listed_windows = st.lists(instants, min_size=2, max_size=12, unique=True).map(
    lambda edges: ListedWindows(tuple(sorted(edges)))
)

sample_queries = st.builds(SampleQuery, scope=scopes, filter=_sometimes(filters), range=ranges)


@st.composite
def extent_queries(draw: st.DrawFn) -> ExtentQuery:
    """Questions for series, or tracks if the filter allows it."""
    filter_ = draw(_sometimes(series_filters))
    return ExtentQuery(
        scope=draw(scopes),
        filter=filter_,
        range=draw(ranges),
        as_of=draw(st.none() | _recording_instants),
        lazily=draw(st.booleans()),
        last_only=draw(st.booleans()),
        by_series=asks_metadata(filter_) or draw(st.booleans()),
    )


@st.composite
def summary_queries(draw: st.DrawFn) -> SummaryQuery:
    """Questions whose windows, when they are one, are the whole range; listed, they have it all."""
    range_ = draw(ranges)
    windows = draw(st.just(WholeRange(range_)) | fixed_windows | listed_windows)
    if isinstance(windows, ListedWindows):
        range_ &= Range(windows.edges[0], windows.edges[-1])
    filter_ = draw(_sometimes(filters))
    return SummaryQuery(
        scope=draw(scopes),
        filter=filter_,
        range=range_,
        windows=windows,
        by_series=asks_metadata(filter_) or draw(st.booleans()),
    )


def streams(min_size: int = 1) -> st.SearchStrategy[list[Reading]]:
    """Readings of one stream, in their order."""
    return st.lists(st.builds(Reading, instants, volumes), min_size=min_size, max_size=12).map(
        sorted
    )
