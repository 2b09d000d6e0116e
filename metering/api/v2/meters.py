"""/v2/meters and /v2/meters/{meter}."""

from collections.abc import Iterable
from typing import Any

from metering.api.forms.media import ROWS
from metering.api.framework.declare import Condition, Truth
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.operation.outcomes import count, counting_failure
from metering.api.reading.bodies import V2_SAMPLES, read_v2_samples
from metering.api.reading.conditions import METER_FIELDS, SAMPLE_FIELDS, of_meter, read_conditions
from metering.api.reading.limits import read_limit
from metering.api.reading.meters import read_meter
from metering.api.services import Controller
from metering.api.writing.convert import (
    meter_to_api,
    recorded_sample_to_old_api,
    sample_to_old_api,
    unique_meter_to_api,
)
from metering.api.writing.paging import Ascending, page_of, read_marker
from metering.api.writing.sample_lists import list_samples, query_after
from metering.api.writing.wire import MeterBody, OldSampleBody
from metering.catalogue.resources import CatalogueQuery, meter_order, meters
from metering.model import Meter
from metering.query import FIELDS, Comparison, Filter, Operator, all_of
from metering.recording.drafts import Draft, Manner

_ALL = Ascending(meter_order, tuple[str, str, str, str])
_UNIQUE: Ascending[Meter] = Ascending(lambda meter: (meter.name,), tuple[str])


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
        asked = read_conditions(q, METER_FIELDS, scope, self.services.config)
        filter_ = asked.filter
        if marker is not None and not unique:
            filter_ = all_of(filter_, _from_resource(read_marker(marker, _ALL.type)[0]))
        found = meters(self.services.storage, CatalogueQuery(scope=scope, filter=filter_))
        rows, order = (_once_by_name(found), _UNIQUE) if unique else (found, _ALL)
        page, following = page_of(call, rows, order, after=marker, limit=size)
        return Reply(
            value=[unique_meter_to_api(one) if unique else meter_to_api(one) for one in page],
            next_url=following,
        )

    @expose(
        list[OldSampleBody],
        forms=ROWS,
        q=[Condition],
        limit=int,
        marker=str,
        rule="telemetry:get_samples",
    )
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
        scope = call.caller.scope
        meter = read_meter(self.services.storage, scope, name)
        asked = of_meter(meter, read_conditions(q, SAMPLE_FIELDS, scope, self.services.config))
        query = query_after(marker, call, asked)
        return list_samples(self.services, call, query, limit, sample_to_old_api)

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
        if not any(isinstance(one, Draft) and one.meter == name for one in drafts):
            name = name.removesuffix("/")  # a slash at the end of a path means nothing
        manner = Manner(
            author=call.caller, prefix_source=True, idempotency_key=call.idempotency_key, meter=name
        )
        with counting_failure(call.outcomes, len(drafts)):
            verdicts = self.services.recorder.record_all(drafts, manner)
        count(call.outcomes, verdicts)
        return [recorded_sample_to_old_api(one.kept) for one in verdicts]


def _from_resource(resource_id: str) -> Filter:
    return Comparison(FIELDS["resource_id"], Operator.GE, resource_id)


def _once_by_name(found: Iterable[Meter]) -> list[Meter]:
    """The first meter of each name, by name."""
    first: dict[str, Meter] = {}
    for meter in found:
        first.setdefault(meter.name, meter)
    return [first[name] for name in sorted(first)]
