"""Segments as rows."""

from collections.abc import Iterable, Iterator
from decimal import Decimal, localcontext

from msgspec import UNSET

from metering.api.writing.figures import decimal_text, optional_decimal_text
from metering.api.writing.wire import ExactDetailBody, SegmentBody, SpanBody
from metering.chunks import chunks
from metering.decimals import EXACT
from metering.storage.base import Storage
from metering.summary import seconds_between
from metering.times import write
from metering.usage.figures import Detail
from metering.usage.segments import Segment, sample_ids

# Their samples are looked up together.
_ROWS_AT_ONCE = 500


def segment_rows(
    storage: Storage, found: Iterable[Segment], names: tuple[str, ...], *, merged: bool
) -> Iterator[SegmentBody]:
    """A row for each segment; `names` are those of the fields, as the client gave them.

    Where segments were merged, rows show the spans.
    """
    for some in chunks(found, _ROWS_AT_ONCE):
        ids = sample_ids(storage, some)
        for one in some:
            first, last = (one.first and ids.get(one.first)), (one.last and ids.get(one.last))
            with localcontext(EXACT):
                duration = sum((seconds_between(*span) for span in one.spans), Decimal(0))
            yield SegmentBody(
                resource_id=one.stream.resource_id,
                source=one.stream.source,
                type=one.stream.type,
                segment=one.number,
                by=dict(zip(names, one.values, strict=True)),
                start=write(one.spans[0].start),
                end=write(one.spans[-1].end),
                ranges=[SpanBody(start=write(start), end=write(end)) for start, end in one.spans]
                if merged
                else UNSET,
                duration=decimal_text(duration),
                unit=one.stream.unit,
                count=one.count,
                sum=decimal_text(one.sum),
                min=optional_decimal_text(one.min),
                max=optional_decimal_text(one.max),
                usage=decimal_text(one.usage),
                first_sample=first[0] if first else None,
                last_sample=last[1] if last else None,
                detail=_detail(one.detail),
            )


def _detail(detail: Detail) -> ExactDetailBody:
    return ExactDetailBody(
        unit=detail.unit,
        measured=optional_decimal_text(detail.measured),
        interpolated=optional_decimal_text(detail.interpolated),
        resets=detail.resets,
        unit_seconds=optional_decimal_text(detail.unit_seconds),
        observed_seconds=optional_decimal_text(detail.observed_seconds),
        quality=detail.quality.value,
    )
