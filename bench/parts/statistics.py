"""A month in figures: of one project, by resource, by metadata, and the usage of all meters."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from bench import service
from bench.clock import by_turns
from bench.data import END
from bench.plain import OF_RESOURCES, OF_SIZES, OF_USAGE
from bench.questions import (
    MONTH_BY_RESOURCE,
    MONTH_BY_SIZE,
    MONTH_OF_PROJECT,
    USAGE_OF_PROJECT,
    month_of_project,
    usage_of_project,
)
from bench.setting import Setting
from bench.table import Row

HOUR = timedelta(hours=1)


def rows(setting: Setting) -> Iterator[Row]:
    """Over HTTP, and what of it is the driver's and the arithmetic's."""
    month, repeat = setting.month, setting.options.repeat
    ours, plain = month.service, month.pair.plain
    with service.driver(month.pair.url) as storage:
        rival, over_http, alone = by_turns(
            repeat,
            plain.month_of_project,
            lambda: ours.get(MONTH_OF_PROJECT),
            lambda: month_of_project(storage),
        )
    yield Row(
        "month of a project", rival.time, over_http.time, rival.median / over_http.median, ">= 50x"
    )
    yield Row("- at the driver", rival.time, alone.time, rival.median / alone.median)
    with plain.indexed(*OF_RESOURCES):
        rival, over_http = by_turns(
            repeat, plain.month_by_resource, lambda: ours.get(MONTH_BY_RESOURCE)
        )
    yield Row(
        "month by resource", rival.time, over_http.time, rival.median / over_http.median, ">= 50x"
    )
    with plain.indexed(*OF_SIZES):
        rival, over_http = by_turns(repeat, plain.month_by_size, lambda: ours.get(MONTH_BY_SIZE))
    yield Row("month by metadata", rival.time, over_http.time, rival.median / over_http.median)
    yield _less_sealed(setting, "- of a project, two hours not sealed", END - 2 * HOUR)
    yield _less_sealed(setting, "- of a project, not sealed", None)
    yield from _usage(setting)


def _less_sealed(setting: Setting, figure: str, until: datetime | None) -> Row:
    """The month of a project while less of it is sealed, or nothing."""
    month = setting.month
    service.unseal(month.pair.url)
    if until is not None:
        service.seal(month.pair.url, until)
    rival, over_http = by_turns(
        setting.options.repeat,
        month.pair.plain.month_of_project,
        lambda: month.service.get(MONTH_OF_PROJECT),
    )
    service.seal(month.pair.url)
    return Row(figure, rival.time, over_http.time, rival.median / over_http.median)


def _usage(setting: Setting) -> Iterator[Row]:
    """All meters of one project, against readings by a cursor that are reckoned in Python."""
    month, repeat = setting.month, setting.options.repeat
    ours, plain = month.service, month.pair.plain
    with plain.indexed(*OF_USAGE), service.driver(month.pair.url) as storage:
        rival, over_http, alone = by_turns(
            repeat,
            plain.usage_of_project,
            lambda: ours.get(USAGE_OF_PROJECT),
            lambda: usage_of_project(storage),
        )
    ratio = rival.median / over_http.median
    yield Row("month-to-date usage of a project, all meters", rival.time, over_http.time, ratio)
    yield Row("- at the driver", rival.time, alone.time, rival.median / alone.median)
