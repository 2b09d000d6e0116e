"""Stores and how one is opened: the scheme of the URL chooses the driver, by entry point."""

from importlib.metadata import entry_points
from urllib.parse import urlsplit

from metering.errors import Misconfigured
from metering.storage.base import Storage

ENTRY_POINTS = "metering.storage"


def open_storage(url: str, *, timeout_seconds: float) -> Storage:
    """The store behind the URL; nothing is created and nothing need be reachable yet.

    Raises:
        Misconfigured: no driver is installed for the scheme, or it refuses the URL.
    """
    scheme = urlsplit(url).scheme
    drivers = entry_points(group=ENTRY_POINTS)
    found = [driver for driver in drivers if driver.name == scheme]
    if not found:
        known = ", ".join(sorted(f"{driver.name}://" for driver in drivers)) or "none"
        message = f"no storage driver for '{scheme}://'; installed: {known}"
        raise Misconfigured(message, field="[database] connection")
    driver: type[Storage] = found[0].load()
    return driver.open(url, timeout_seconds=timeout_seconds)
