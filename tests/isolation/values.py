"""Values for everything that can be sent: the own ones, those of others, and of nobody."""

import json
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from api.client import Client
from builders import LATER, after_noon
from hypothesis import strategies as st
from isolation.fixed import fixed
from isolation.tenants import FOREIGN, OWN, VOLUME, foreign, marked, own

from metering.api.app import make_app
from metering.api.reading import complex_filter as filters
from metering.api.reading.conditions import ALIASES
from metering.config import load
from metering.query import FIELDS
from metering.storage.memory import MemoryStorage

_SAMPLES = [one.sample for one in (*own(), *foreign())]


def _texts(field: str) -> list[str]:
    """The values of a field of a series, those of the caller as often as all others."""
    mine, theirs = (
        list(dict.fromkeys(str(getattr(one.sample.series, field)) for one in made()))
        for made in (own, foreign)
    )
    return [*mine * max(1, len(theirs) // len(mine)), *theirs, "absent", ""]


def _instants(field: str) -> list[str]:
    found = dict.fromkeys(getattr(one, field).isoformat() for one in _SAMPLES)
    return [*found, after_noon(30).isoformat(), LATER.isoformat(), "", "yesterday"]


_PATHS = ["kind", "n", "deep.a", "deep", marked("key"), f"{marked('key')}.a", "absent"]
_OF_METADATA = ["own", "other", "1", "2", "x", "None", marked("kind"), marked("deep"), str(VOLUME)]
_IDS = [*(f"s-{place}" for place in range(1, 8)), *(one.id for one in _SAMPLES[7::5]), "absent"]
_OF_SAMPLES = {
    "id": _IDS,
    "volume": ["1", "2", "25", str(VOLUME), str(VOLUME + 3), "1e3", "many"],
    "timestamp": _instants("timestamp"),
    "recorded_at": _instants("recorded_at"),
}
_OF_FIELDS = {
    name: _texts(name) if field.of_series else _OF_SAMPLES[name] for name, field in FIELDS.items()
}

_by_alias = {alias: st.sampled_from(_OF_FIELDS[name]) for alias, name in ALIASES.items()}
_by_alias["search_offset"] = st.sampled_from(["0", "1", "-60", "99999"])
_by_alias |= {
    f"{prefix}.{path}": st.sampled_from(_OF_METADATA)
    for prefix in ("metadata", "resource_metadata")
    for path in _PATHS
}

# A field of `q` with a text that it may have.
conditions = st.sampled_from([*_by_alias] * 3 + ["nonsense"]).flatmap(
    lambda name: st.tuples(st.just(name), _by_alias.get(name, st.just("x")))
)

series_fields = st.sampled_from(
    [
        *[name for name, field in FIELDS.items() if field.of_series] * 3,
        *(f"metadata.{path}" for path in _PATHS * 3),
        "nonsense",
    ]
)
# Windows of usage, mostly such as have samples.
windows = st.sampled_from(
    [
        *([("window", "2015-06")],) * 4,
        [("window", "2015-06-01"), ("tz", "Asia/Kathmandu")],
        [("window", "2015-05-31/2015-06-03"), ("tz", "America/New_York")],
        [("window", "2015-06-01T12:00/2015-06-01T12:01")],
        [("window", "mtd"), ("tz", FOREIGN)],
        [("window", "yesterday")],
        [("window", FOREIGN)],
    ]
)
moments = st.sampled_from([*_OF_FIELDS["timestamp"][:12], "2015-06-01T12:00:00.5", "soon"])
# Stretches of time around the samples and elsewhere, mostly such as can be cut into windows.
frames = st.sampled_from(
    [
        *([("start", "2015-05-31"), ("end", "2015-06-09")],) * 4,
        [("start", "2015-06-01T12:00"), ("end", "2015-06-01T12:00:30")],
        [("start", "2015-06-01T11:59:30"), ("end", "2015-06-02"), ("tz", "UTC")],
        [("start", "2015-06-01"), ("end", "2015-07-01"), ("tz", "Asia/Kathmandu")],
        [("start", "2015-06-01"), ("end", "2015-07-01"), ("tz", FOREIGN)],
        [("end", "2015-06-01T12:00:05Z"), ("tz", "America/New_York")],
        [("start", "2030-01-01"), ("end", "2020-01-01")],
    ]
)
slicings = st.tuples(
    st.sampled_from(["hour", "day", "week", "month", "quarter", "year"]).map(
        lambda one: [("interval", one)]
    ),
    st.sampled_from([[], [("week_start", "sun")], [("anchor", "2015-01-31")]]),
    st.sampled_from([[], [("fill", "none")], [("fill", "null")], [("fill", "0")]]),
).map(lambda drawn: [pair for one in drawn for pair in one])
meters = st.sampled_from([*_texts("meter"), "absent"]).filter(bool)
resources = st.sampled_from([*_texts("resource_id"), "vm-1/", "a%2Fb"]).filter(bool)
ids = st.sampled_from([*_IDS, f"{_IDS[0]}/"])
prefixes = st.sampled_from(["", "p-a", "v", "zq", marked("kind")[:5], str(VOLUME)[:3], "x"])
switches = st.sampled_from(["1", "true", "0", "false", ""])
IDEMPOTENCY_KEYS = ["key-1", "key-2", FOREIGN]
idempotency_keys = st.sampled_from(IDEMPOTENCY_KEYS)

UNKNOWN_PARAMETERS = [
    ("project_id", FOREIGN),
    ("all_tenants", "1"),
    ("all_projects", "true"),
    ("q", FOREIGN),
]
# Who speaks for the caller (a proxy, a key) does so after these, so they must mean nothing.
strange_headers = st.sampled_from(
    [
        ("X-Project-Id", FOREIGN),
        ("X-Tenant-Id", FOREIGN),
        ("X-User-Id", marked("user")),
        ("X-Roles", "admin"),
        ("X-Is-Admin-Project", "True"),
        ("X-Identity-Status", "Confirmed"),
        ("Openstack-System-Scope", "all"),
        ("X-Forwarded-For", "127.0.0.1"),
        ("X-Http-Method-Override", "DELETE"),
        ("Authorization", "Bearer nobody"),
        ("Range", "bytes=0-5"),
        ("If-None-Match", "*"),
        ("Origin", "http://example.org"),
        ("Idempotency-Key", "key-1"),
    ]
)

_LISTS = [
    *("/v2/meters", "/v2/meters?unique=1", "/v2/samples", "/v2/resources", "/v2/meters/cpu"),
    *("/v2/dimensions", "/v2/dimensions/metadata.kind/values", "/v2/sources"),
    "/v2/meters/cpu/segments?by=project_id&by=metadata.kind",
    "/v2/revisions?resource_id=vm-1",
]


@cache
def _found_markers() -> list[str]:
    """Markers of pages that an administrator, another project and the caller were given."""
    found: dict[str, None] = {}
    storage = MemoryStorage()
    storage.record([*own(), *foreign()], atomic=False)
    with fixed():
        application = make_app(load(overrides=[("api", "auth", "headers")]), storage)
        nobody = Client(application)
        for client in (
            nobody.acting(project=OWN, roles="member"),
            nobody.acting(project=FOREIGN, roles="member"),
            nobody.acting(roles="admin"),
        ):
            for path in _LISTS:
                for limit in (1, 2, 5):
                    mark = "&" if "?" in path else "?"
                    link = client.get(f"{path}{mark}limit={limit}").headers.get("Link", "<>")
                    query = parse_qs(urlsplit(link[1 : link.index(">")]).query)
                    found |= dict.fromkeys(query.get("marker", []))
    return [*found]


markers = st.deferred(lambda: st.sampled_from([*_found_markers(), "none", "W10"]))


# --- bodies

_RELATIONS = sorted(filters._OPERATORS)
_COMPLEX_NAMES = sorted(filters._NAMES)


def _filter_value(name: str) -> st.SearchStrategy[Any]:
    found: st.SearchStrategy[Any] = st.sampled_from(_OF_FIELDS[filters._NAMES[name]])
    return found | st.sampled_from([1, 2, VOLUME, True, "zq", "^s-", "."])


_leaf_fields = st.sampled_from(_COMPLEX_NAMES).flatmap(
    lambda name: st.tuples(st.just(name), _filter_value(name))
) | st.tuples(
    st.sampled_from([f"metadata.{path}" for path in _PATHS] + ["resource_metadata"]),
    st.sampled_from([*_OF_METADATA, 1, 2, VOLUME]),
)
_leaves = st.tuples(st.sampled_from(_RELATIONS), _leaf_fields).map(
    lambda drawn: {drawn[0]: dict([drawn[1]])}
) | _leaf_fields.map(lambda drawn: {"in": {drawn[0]: [drawn[1], "cpu"]}})


def _joined(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(parts, min_size=2, max_size=3)
    return st.one_of(
        several.map(lambda found: {"and": found}),
        several.map(lambda found: {"or": found}),
        parts.map(lambda part: {"not": part}),
    )


_filters = st.recursive(_leaves, _joined, max_leaves=4) | _leaves
_orders = st.lists(
    st.tuples(st.sampled_from(_COMPLEX_NAMES), st.sampled_from(["asc", "DESC"])).map(
        lambda one: dict([one])
    ),
    max_size=2,
)

# Mostly such as are taken: what is refused anyway cannot touch anybody.
_projects = st.sampled_from([OWN, OWN, OWN, None, None, "", "", FOREIGN, "P-A", "p-a "])
_sources = st.sampled_from(["openstack", "", "own", "p-a:openstack", f"{FOREIGN}:1", "nobody"])
IDS_WRITTEN = ["new-1", "new-2", "new-3"]
_written_ids = st.sampled_from([*_IDS, *IDS_WRITTEN * 6])
_written_meters = st.sampled_from(["cpu", "cpu", "cpu", "disk", marked("meter")])
_types = st.sampled_from([*["gauge"] * 6, "cumulative", "delta", "none"])
_units = st.sampled_from(["core", "core", "", marked("unit")])
_volumes = st.sampled_from([1, 2, 25, "3", VOLUME, VOLUME, 1, 2, "much"])

IN_BODIES: dict[str, st.SearchStrategy[Any]] = {
    "filter": st.none() | _filters.map(json.dumps),
    "orderby": st.none() | _orders.map(json.dumps),
    "limit": st.sampled_from([1, 2, "3", 100, 0]),
    "counter_name": _written_meters,
    "name": _written_meters,
    "counter_type": _types,
    "type": _types,
    "counter_unit": _units,
    "unit": _units,
    "counter_volume": _volumes,
    "volume": _volumes,
    "resource_id": resources,
    "project_id": _projects,
    "user_id": st.sampled_from(["u-1", None, "", marked("user")]),
    "source": _sources,
    "message_id": _written_ids,
    "id": _written_ids,
    "timestamp": st.sampled_from([*_OF_FIELDS["timestamp"][:12], "2099-01-01"]),
    "recorded_at": st.just("2015-06-01"),
    "resource_metadata": st.sampled_from([{}, {"kind": "own"}, {marked("key"): {"a": 2}}]),
}
