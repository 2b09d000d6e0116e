"""/v2/meters, /v2/meters/{meter} and /v2/meters/{meter}/statistics."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from metering.api.bodies import V2_SAMPLES, read_v2_samples
from metering.api.convert import (
    StatisticsShape,
    meter_to_api,
    recorded_sample_to_old_api,
    sample_to_old_api,
    statistics_to_api,
    unique_meter_to_api,
)
from metering.api.declare import AggregateChoice, Condition, Truth, given
from metering.api.expose import Call, Reply, expose
from metering.api.paging import cut, next_url, read_marker, write_marker
from metering.api.params import (
    METER_FIELDS,
    SAMPLE_FIELDS,
    Conditions,
    read_conditions,
    read_limit,
    read_period,
)
from metering.api.sample_pages import page_of_samples
from metering.api.services import Controller
from metering.api.wire import MeterBody, OldSampleBody, StatisticsBody
from metering.catalogue import CatalogueQuery, meter_order, meters
from metering.errors import InvalidQuery
from metering.model import Meter, Scope
from metering.query import FIELDS, AllOf, Comparison, ExtentQuery, Field, Operator, SummaryQuery
from metering.recording import Manner
from metering.statistics import (
    STANDARD,
    Aggregate,
    Row,
    compute,
    read_aggregate,
    read_group_field,
)
from metering.times import EPOCH, FixedWindows, Range, WholeRange, Windows


class MetersController(Controller):
    """Meters, and what was measured with one."""

    @expose(
        list[MeterBody],
        q=[Condition],
        limit=int,
        unique=Truth(),
        marker=str,
        rule="telemetry:get_meters",
    )
    def index(
        self,
        call: Call,
        *,
        q: Any = (),
        limit: int | None = None,
        unique: bool = False,
        marker: str | None = None,
    ) -> Reply:
        """Meters by resource, name, type and unit; with `unique`, each name once, by name."""
        scope = call.caller.scope
        size = read_limit(limit, self.services.config)
        asked = read_conditions(q, METER_FIELDS, scope)
        found = meters(self.services.storage, CatalogueQuery(scope=scope, filter=asked.filter))
        if unique:
            first = {meter.name: meter for meter in reversed(found)}
            found = [first[name] for name in sorted(first)]
        order = _unique_order if unique else meter_order
        if marker is not None:
            after = read_marker(marker, tuple[str] if unique else tuple[str, str, str, str])
            found = [meter for meter in found if order(meter) > after]
        page, more = cut(found, size)
        return Reply(
            value=[unique_meter_to_api(one) if unique else meter_to_api(one) for one in page],
            next_url=next_url(call, write_marker(*order(page[-1]))) if more else None,
        )

    @expose(list[OldSampleBody], q=[Condition], limit=int, marker=str, rule="telemetry:get_samples")
    def samples(
        self,
        call: Call,
        name: str,
        *,
        q: Any = (),
        limit: int | None = None,
        marker: str | None = None,
    ) -> Reply:
        """The samples of a meter, newest first."""
        asked = _of_meter(name, read_conditions(q, SAMPLE_FIELDS, call.caller.scope))
        size = read_limit(limit, self.services.config)
        page, following = page_of_samples(self.services.storage, call, asked, size, marker)
        return Reply(value=[sample_to_old_api(one) for one in page], next_url=following)

    @expose(
        list[OldSampleBody],
        statuses=(201, 409),
        body=V2_SAMPLES,
        direct=Truth(),
        rule="telemetry:create_samples",
    )
    def record(self, call: Call, name: str, *, direct: bool = False) -> list[OldSampleBody]:
        """Record samples of the meter, all or nothing; they are kept when this answers."""
        del direct  # every POST is durable and readable when answered
        drafts = read_v2_samples(call, self.services.config.max_samples)
        manner = Manner(
            author=call.caller, prefix_source=True, idempotency_key=call.idempotency_key, meter=name
        )
        kept = self.services.recorder.record_all(drafts, manner)
        return [recorded_sample_to_old_api(one) for one in kept]

    @expose(
        list[StatisticsBody],
        q=[Condition],
        groupby=[str],
        period=int,
        aggregate=[AggregateChoice],
        rule="telemetry:compute_statistics",
    )
    def statistics(  # noqa: PLR0913 - the parameters of the request
        self,
        call: Call,
        name: str,
        *,
        q: Any = (),
        groupby: Any = (),
        period: int | None = None,
        aggregate: Any = (),
    ) -> list[StatisticsBody]:
        """Figures for each period, group and unit that has samples."""
        scope = call.caller.scope
        asked = _of_meter(name, read_conditions(q, SAMPLE_FIELDS, scope))
        names = tuple(dict.fromkeys(groupby))
        fields = tuple(read_group_field(one) for one in names)
        chosen = dict.fromkeys(
            read_aggregate(given(one.func), given(one.param)) for one in aggregate
        )
        seconds = read_period(period)
        question = SummaryQuery(
            scope=scope,
            filter=asked.filter,
            range=asked.range,
            windows=self._windows(asked, seconds, scope),
        )
        shape = StatisticsShape(
            period_seconds=seconds,
            groupby=names,
            lower=asked.lower,
            upper=asked.upper,
            selected=bool(chosen),
        )
        rows = self._rows(question, fields, chosen or STANDARD)
        return [statistics_to_api(row, shape) for row in rows]

    def _rows(
        self, question: SummaryQuery, fields: tuple[Field, ...], aggregates: Iterable[Aggregate]
    ) -> list[Row]:
        try:
            return compute(self.services.storage.summaries(question), fields, aggregates)
        except OverflowError:
            message = "Invalid period: it leads out of the calendar"
            raise InvalidQuery(message, field="period") from None

    def _windows(self, asked: Conditions, period_seconds: int, scope: Scope) -> Windows:
        """Anchored at the lower bound, else at the oldest sample of any meter in scope, as v2."""
        anchor = asked.anchor
        if anchor is None:
            extents = self.services.storage.extents(ExtentQuery(scope=scope))
            anchor = min((extent.first_sample_at for extent in extents), default=EPOCH)
        return FixedWindows(anchor, period_seconds) if period_seconds else WholeRange(Range(anchor))


def _of_meter(name: str, asked: Conditions) -> Conditions:
    """The conditions, for one meter."""
    leaf = Comparison(FIELDS["meter"], Operator.EQ, name)
    return replace(asked, filter=AllOf((leaf, asked.filter)))


def _unique_order(meter: Meter) -> tuple[str, ...]:
    return (meter.name,)
