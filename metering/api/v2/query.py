"""POST /v2/query/samples: complex filters and a chosen order."""

from dataclasses import replace
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from metering.api.forms.media import JSON, JSON_TYPES, ROWS, check_media_type
from metering.api.forms.sources import closed_after
from metering.api.forms.streams import LINE_FORMS
from metering.api.framework.declare import INTEGER
from metering.api.framework.expose import Body, Call, Reply, expose
from metering.api.reading.complex import read_filter, read_order
from metering.api.reading.params import read_limit
from metering.api.services import Controller
from metering.api.writing.convert import sample_to_api
from metering.api.writing.sample_lists import list_samples, writer
from metering.api.writing.wire import SampleBody
from metering.errors import InvalidQuery, InvalidRequest
from metering.limit import Limit
from metering.ordering import OrderBy, first
from metering.query import EVERYTHING, Filter, SampleQuery

_LONGEST_LIMIT = 100

_JSON_TEXT = Meta(extra_json_schema={"contentMediaType": JSON})
_LIMIT = Meta(
    description="A number, or its text; the default and the most are those of lists.",
    extra_json_schema={
        "type": ["number", "string", "null"],
        "minimum": 1,
        "pattern": r"^\s*\+?0*[1-9][0-9]{0,38}\s*$",
    },
)


class _Question(Struct, forbid_unknown_fields=True):
    """A complex query; filter and orderby hold JSON in a text."""

    filter: Annotated[str, _JSON_TEXT] | None = None
    orderby: Annotated[str, _JSON_TEXT] | None = None
    limit: Annotated[Raw, _LIMIT] = Raw(b"null")


_BODY = Body(types={JSON: _Question})

_question = msgspec.json.Decoder(_Question).decode


class QueryController(Controller):
    """Questions about samples that do not fit into `q`."""

    @expose(list[SampleBody], forms=ROWS, body=_BODY, rule="telemetry:query_sample")
    def samples(self, call: Call) -> Reply:
        """The samples that match the filter, newest first or in the order asked for."""
        asked = _read(call)
        config = self.services.config
        limit = _limit(asked.limit)
        scope = call.caller.scope
        filter_: Filter = EVERYTHING
        if asked.filter is not None:
            filter_ = read_filter(asked.filter, scope, config.max_filter_depth)
        order = () if asked.orderby is None else read_order(asked.orderby)
        question = SampleQuery(scope=scope, filter=filter_)
        if order:
            return self._sort(call, question, order, limit)
        listed = list_samples(self.services, call, question, limit, sample_to_api)
        return replace(listed, next_url=None)  # a body has no URL

    def _sort(
        self, call: Call, question: SampleQuery, order: tuple[OrderBy, ...], limit: int | None
    ) -> Reply:
        """The first rows in the order. They are all in memory, so that no form has them all."""
        config = self.services.config
        size = read_limit(limit, config)
        if call.form in LINE_FORMS and size != limit:
            message = f"orderby needs a limit, at most {config.max_limit}"
            raise InvalidQuery(message, field="limit")
        time = Limit(config.query_timeout_seconds)
        with closed_after(self.services.storage.samples(question)) as found:
            page = first(time.over(found), order, size)
        return Reply(value=[*map(writer(call, sample_to_api), page)])


def _read(call: Call) -> _Question:
    if call.body:
        check_media_type(call.content_type, JSON_TYPES)
    if not call.body.strip():
        raise InvalidRequest('Missing argument: "body"', field="body")
    try:
        return _question(call.body)
    except msgspec.ValidationError as error:
        message = f"Invalid input for field/attribute body: {error}"
        raise InvalidRequest(message, field="body") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"Request is not in valid JSON format: {error}"
        raise InvalidRequest(message, field="body") from None


def _limit(literal: Raw) -> int | None:
    """A whole number: as one, as text, or cut from a fraction, as v2 took it."""
    text = bytes(literal).decode()
    try:
        value = msgspec.json.decode(text) if len(text) <= _LONGEST_LIMIT else text
    except msgspec.DecodeError:  # a number that is out of range
        value = text
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and INTEGER.fullmatch(value):
        return int(value)
    message = f"Invalid input for field/attribute limit. Value: '{str(value)[:100]}'."
    raise InvalidQuery(message, field="limit")
