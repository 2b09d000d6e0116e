"""How much is done and from which seed, by the environment; and how it went, for who reads it."""

import os
import random

# `tox -e faults` sets it; without, everything together takes minutes.
IS_LARGE = os.environ.get("METERING_FAULTS") == "large"


def sized(small: int, large: int) -> int:
    """The one of the two that is asked for."""
    return large if IS_LARGE else small


def new_seed() -> int:
    """The seed that METERING_FAULTS_SEED gives, else another one each time."""
    return int(os.environ.get("METERING_FAULTS_SEED") or random.randrange(2**32))


def report(what: str, *facts: object) -> None:
    """Print what was measured; pytest shows it on failure, and always with -s."""
    print(f"{what}:", *facts)  # noqa: T201
