"""What is asked of ours about the month: over HTTP, and of the driver alone."""

from datetime import timedelta
from urllib.parse import urlencode

from bench.data import END, METER, PROJECT, START
from bench.plain.reckoning import MAX_GAP_SECONDS
from metering.catalogue import resources as catalogue
from metering.catalogue.resources import CatalogueQuery
from metering.model import AllProjects
from metering.query import FIELDS, AllOf, Comparison, Operator
from metering.storage.base import Storage
from metering.times import Range, WholeRange
from metering.usage.figures import STANDARD, USAGE
from metering.usage.query import StatisticsQuery
from metering.usage.report import Usage, usage
from metering.usage.statistics import statistics

_MONTH = [
    ("q.field", "timestamp"),
    ("q.op", "ge"),
    ("q.value", START.isoformat()),
    ("q.field", "timestamp"),
    ("q.op", "lt"),
    ("q.value", END.isoformat()),
]
_OF_PROJECT = [("q.field", "project_id"), ("q.op", "eq"), ("q.value", PROJECT)]

MONTH_OF_PROJECT = f"/v2/meters/{METER}/statistics?" + urlencode(_OF_PROJECT + _MONTH)
USAGE_OF_PROJECT = "/v2/usage?" + urlencode(
    [("window", f"{START.isoformat()}/{END.isoformat()}"), *_OF_PROJECT]
)
MONTH_BY_RESOURCE = f"/v2/meters/{METER}/statistics?" + urlencode(
    [*_MONTH, ("groupby", "resource_id")]
)
MONTH_BY_SIZE = f"/v2/meters/{METER}/statistics?" + urlencode(
    [*_MONTH, ("groupby", "metadata.instance_type")]
)

_ROWS = 10_000


def month_of_project(storage: Storage) -> object:
    """The figures of one meter of one project."""
    asked = {"meter": METER, "project_id": PROJECT}
    leaves = [Comparison(FIELDS[name], Operator.EQ, value) for name, value in asked.items()]
    range_ = Range(START, END)
    query = StatisticsQuery(
        scope=AllProjects(),
        filter=AllOf(tuple(leaves)),
        range=range_,
        windows=WholeRange(range_),
        aggregates=STANDARD,
        now=END,
    )
    return statistics(storage, query, _ROWS)


def usage_of_project(storage: Storage) -> list[Usage]:
    """What one project used of each meter."""
    range_ = Range(START, END)
    query = StatisticsQuery(
        scope=AllProjects(),
        filter=Comparison(FIELDS["project_id"], Operator.EQ, PROJECT),
        range=range_,
        windows=WholeRange(range_),
        group_by=(FIELDS["meter"],),
        aggregates=(USAGE,),
        now=END,
        max_gap=timedelta(seconds=MAX_GAP_SECONDS),
    )
    return usage(storage, query, None, _ROWS)


def resources(storage: Storage) -> object:
    """All resources; pages are cut from them."""
    return catalogue.resources(storage, CatalogueQuery(scope=AllProjects()))


def meters(storage: Storage) -> object:
    """All meters; pages are cut from them."""
    return list(catalogue.meters(storage, CatalogueQuery(scope=AllProjects())))
