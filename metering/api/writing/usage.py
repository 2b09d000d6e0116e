"""Rows of usage, and the window that they are of."""

from metering import times
from metering.api.writing.figures import decimal_text, optional_decimal_text
from metering.api.writing.wire import UsageRowBody, UsageWindowBody
from metering.decimals import rounded_quotient
from metering.summary import seconds_between
from metering.usage.figures import Aggregate
from metering.usage.report import Usage
from metering.usage.windows import UsageWindow


def usage_window_to_api(window: UsageWindow, name: str, tz: str) -> UsageWindowBody:
    """A window by its name, with how long it is; to 12 decimal places, if need be."""
    length = seconds_between(window.start, window.end)
    return UsageWindowBody(
        name=name,
        start=times.write(window.start),
        end=times.write(window.end),
        tz=tz,
        hours=decimal_text(rounded_quotient(length, 3600)),
    )


def usage_to_api(row: Usage, names: tuple[str, ...], aggregate: Aggregate) -> UsageRowBody:
    """A row of usage; the first of its group is the meter."""
    meter, *group = row.group
    return UsageRowBody(
        groupby=dict(zip(names, group, strict=True)),
        meter=meter or "",
        type=row.kind,
        func=aggregate.name,
        quantity=optional_decimal_text(row.quantity),
        unit=row.unit,
        previous=optional_decimal_text(row.previous),
        quality=row.quality.value,
    )
