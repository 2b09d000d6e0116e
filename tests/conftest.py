"""Options of the whole suite, and how hard Hypothesis tries."""

import pytest
from hypothesis import settings

settings.register_profile("metering", deadline=None)
settings.load_profile("metering")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say which stores the contract suite checks; without, all that come with the service."""
    group = parser.getgroup("storage", "which stores tests/contract checks")
    group.addoption(
        "--storage-url",
        action="append",
        default=[],
        metavar="URL",
        help="check the driver behind this URL instead; each test uses a store of its own, "
        "whose name replaces '{}' in the URL or else is appended to its path (repeatable)",
    )
    group.addoption(
        "--storage-class",
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="check this class instead of the driver that the URL stands for (repeatable)",
    )
