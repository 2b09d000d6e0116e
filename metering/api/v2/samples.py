"""/v2/samples and /v2/samples/{id}."""

from typing import Any
from urllib.parse import quote

from metering.api.forms.media import ROWS
from metering.api.framework.declare import Condition
from metering.api.framework.endpoint import Call, Reply
from metering.api.framework.expose import expose
from metering.api.operation.outcomes import count, counting_failure
from metering.api.reading.bodies import SAMPLES, read_samples
from metering.api.reading.conditions import SAMPLE_FIELDS, read_conditions
from metering.api.services import Controller
from metering.api.writing.convert import sample_to_api
from metering.api.writing.sample_lists import list_samples, query_after
from metering.api.writing.wire import ConflictBody, RejectionBody, SampleBody, VerdictsBody
from metering.errors import InvalidSample, NotFound
from metering.model import Outcome, Verdict
from metering.query import FIELDS, Comparison, Operator, SampleQuery
from metering.recording.drafts import Manner

_ALL_WELL, _SOME_NOT = 201, 207


class SamplesController(Controller):
    """Samples of all meters."""

    @expose(
        list[SampleBody],
        forms=ROWS,
        q=[Condition],
        limit=int,
        marker=str,
        rule="telemetry:get_samples",
    )
    def index(
        self, call: Call, *, q: Any = (), limit: int | None = None, marker: str | None = None
    ) -> Reply:
        """Samples, newest first."""
        asked = read_conditions(q, SAMPLE_FIELDS, call.caller.scope, self.services.config)
        query = query_after(marker, call, asked)
        return list_samples(self.services, call, query, limit, sample_to_api)

    @expose(
        VerdictsBody, statuses=(_ALL_WELL, _SOME_NOT), body=SAMPLES, rule="telemetry:create_samples"
    )
    def record(self, call: Call) -> Reply:
        """Record samples of any meters, and give a verdict on each; what was accepted is kept."""
        drafts = read_samples(call, self.services.config.max_samples)
        manner = Manner(author=call.caller, idempotency_key=call.idempotency_key)
        with counting_failure(call.outcomes, len(drafts)):
            judged = self.services.recorder.record_each(drafts, manner)
        count(call.outcomes, judged)
        verdicts = _verdicts_to_api(judged)
        well = not (verdicts.rejected or verdicts.conflicts)
        return Reply(value=verdicts, status=_ALL_WELL if well else _SOME_NOT)

    @expose(SampleBody, rule="telemetry:get_sample")
    def show(self, call: Call, sample_id: str) -> SampleBody:
        """The newest sample with that id that the caller may see; a trailing slash is harmless."""
        plain = sample_id.removesuffix("/")
        for candidate in dict.fromkeys((sample_id, plain)):
            leaf = Comparison(FIELDS["id"], Operator.EQ, candidate)
            query = SampleQuery(scope=call.caller.scope, filter=leaf)
            found = next(self.services.storage.samples(query), None)
            if found is not None:
                return sample_to_api(found)
        raise NotFound("Sample", plain)


def _verdicts_to_api(judged: list[Verdict | InvalidSample]) -> VerdictsBody:
    outcomes = [one.outcome for one in judged if isinstance(one, Verdict)]
    return VerdictsBody(
        accepted=outcomes.count(Outcome.STORED),
        duplicates=outcomes.count(Outcome.DUPLICATE),
        rejected=[
            RejectionBody(index=index, code=one.code, field=one.field, message=one.message)
            for index, one in enumerate(judged)
            if isinstance(one, InvalidSample)
        ],
        conflicts=[
            ConflictBody(
                index=index,
                source=one.kept.series.source,
                id=one.kept.id,
                existing=f"/v2/samples/{quote(one.kept.id, safe='')}",
            )
            for index, one in enumerate(judged)
            if isinstance(one, Verdict) and one.outcome is Outcome.CONFLICT
        ],
    )
