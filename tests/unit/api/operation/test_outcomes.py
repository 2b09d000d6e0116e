"""What became of samples is counted."""

from collections import Counter

import pytest
from builders import sample

from metering.api.operation.outcomes import count, counting_failure
from metering.errors import Conflict, InvalidSample, StorageUnavailable
from metering.model import Outcome, Verdict


def test_each_verdict_counts_by_its_name() -> None:
    """A sample that has expired is rejected, and so is one that is an error."""
    outcomes: Counter[str] = Counter(accepted=1)
    count(outcomes, [*(Verdict(one, sample()) for one in Outcome), InvalidSample("why")])

    assert {"accepted": 2, "duplicate": 1, "conflict": 1, "rejected": 2} == outcomes


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (Conflict("why"), "conflict"),
        (InvalidSample("why"), "rejected"),
        (StorageUnavailable("why"), "unknown"),
        (KeyError(), "unknown"),
    ],
)
def test_a_failure_counts_all_that_was_sent(error: Exception, name: str) -> None:
    """Under what it failed for; the error goes on."""
    outcomes: Counter[str] = Counter()
    with pytest.raises(type(error)), counting_failure(outcomes, 3):
        raise error

    assert {name: 3} == outcomes


def test_success_counts_nothing() -> None:
    """Verdicts are counted for themselves."""
    outcomes: Counter[str] = Counter()
    with counting_failure(outcomes, 3):
        pass

    assert {} == outcomes
