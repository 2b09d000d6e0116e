"""The rival's usage is what ours is, or the row that compares them would say nothing."""

from pathlib import Path

import pytest

from bench import service
from bench.data import Shape, chunks, usage
from bench.plain import OF_USAGE
from bench.plain.sqlite import PlainRows
from bench.questions import usage_of_project
from metering.model import MeterType


@pytest.mark.parametrize("polls_a_day", [20, 30])
def test_both_find_the_same_usage(tmp_path: Path, polls_a_day: int) -> None:
    """Ours is exact, the rival's in doubles, whether or not a reading holds until the next."""
    shape = Shape(instances=4, polls_a_day=polls_a_day)
    batches = list(chunks(usage(shape), service.BATCH))
    url, plain = f"sqlite:///{tmp_path}/ours.db", PlainRows(tmp_path / "plain.db")
    plain.prepare()
    plain.writer(batches)()
    service.prepare(url)
    service.recorder(url, batches)()
    service.seal(url)

    with plain.indexed(*OF_USAGE), service.driver(url) as storage:
        rival, ours = plain.usage_of_project(), usage_of_project(storage)
    types = {type_ for _, type_, _ in rival}
    found = {row.group[0]: float(row.quantity or 0) for row in ours}

    assert types == set(MeterType)
    assert {name: pytest.approx(quantity) for (name, _, _), quantity in rival.items()} == found
