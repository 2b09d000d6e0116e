"""All samples as lines, through one worker."""

from collections.abc import Iterator

from bench.setting import Setting
from bench.table import Row

_GOAL = "flat, < 150 MB"
_MB = 1_000_000


def rows(setting: Setting) -> Iterator[Row]:
    """The most memory of a worker that streams, beside that of one that has answered a little."""
    month = setting.month
    service = setting.alone(month)
    service.get("/v2/samples?limit=1")
    before = service.most_memory()
    service.forget_memory()
    lines = service.stream("/v2/samples")
    if lines != month.shape.samples:
        raise RuntimeError(f"{lines} lines of {month.shape.samples} samples")
    after = service.most_memory()
    was, became = f"{before / _MB:.0f} MB idle", f"{after / _MB:.0f} MB"
    yield Row(f"{lines:,} samples as NDJSON", was, became, after / before, _GOAL)
