"""How many questions are asked, and how."""

from hypothesis import HealthCheck, Phase, settings
from isolation.described import Operation, document, operations

ALL = operations(document())
READING = [one for one in ALL if not one.writes]

# In one run, over all drivers and ways of knowing callers.
_QUESTIONS = 6_000
_RUNS = 6
_WITH_CHOICE = [one for one in READING if one.parameters or one.bodies]
_EACH = _QUESTIONS // (_RUNS * len(_WITH_CHOICE)) + 1
_PLAIN = 4


_EASY = settings(
    suppress_health_check=list(HealthCheck), report_multiple_bugs=False, print_blob=True
)


def effort(examples: int) -> settings:
    """Other questions in each run; what fails is printed with how to repeat it."""
    return settings(_EASY, max_examples=examples)


def effort_with_stores(examples: int) -> settings:
    """The same where each try has stores of its own: too slow to look for a shorter one."""
    return settings(effort(examples), phases=[Phase.reuse, Phase.generate])


def questions_for(operation: Operation) -> int:
    """How many questions an operation is worth in each run: few where nothing can be chosen."""
    return _EACH if operation in _WITH_CHOICE else _PLAIN


# The same questions each time, so a fault that was found once is found for ever.
REPEATED = settings(
    _EASY, max_examples=300, derandomize=True, database=None, phases=[Phase.generate]
)
