"""What controllers work with, handed to each when the application is put together."""

import threading
from dataclasses import dataclass, field

from metering.api.access import Access
from metering.api.operation.metrics import Metrics
from metering.config import ApiConfig, UsageConfig
from metering.recording.recorder import Recorder
from metering.storage.base import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The store, the way to write into it, who may do what, and the options.

    The metrics are those of this application; `stopping` is set as soon as it is about to end.
    """

    storage: Storage
    recorder: Recorder
    access: Access
    config: ApiConfig
    usage: UsageConfig
    metrics: Metrics = field(default_factory=Metrics)
    stopping: threading.Event = field(default_factory=threading.Event)


class Controller:
    """Answers the requests of one noun."""

    def __init__(self, services: Services) -> None:
        """Take what it works with."""
        self.services = services
