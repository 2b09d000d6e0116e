"""What controllers work with, handed to each when the application is put together."""

from dataclasses import dataclass

from metering.api.access import Access
from metering.config import ApiConfig
from metering.recording import Recorder
from metering.storage.base import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The store, the way to write into it, who may do what, and the options of the API."""

    storage: Storage
    recorder: Recorder
    access: Access
    config: ApiConfig


class Controller:
    """Answers the requests of one noun."""

    def __init__(self, services: Services) -> None:
        """Take what it works with."""
        self.services = services
