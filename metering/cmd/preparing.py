"""The store is prepared when the service starts, or as soon as it can be reached."""

import logging
import threading

from metering.errors import MeteringError, StorageUnavailable
from metering.storage.base import Storage

LOG = logging.getLogger(__name__)

_SECONDS_BETWEEN_TRIES = 1.0


def prepare_when_there(storage: Storage) -> None:
    """Create what is missing, now or, if the store is away, behind the scenes as soon as it is.

    Raises:
        Misconfigured: the store is there and cannot be used.
    """
    try:
        storage.prepare()
    except StorageUnavailable as error:
        LOG.warning("starting without the store: %s", error)
        threading.Thread(target=_keep_trying, args=[storage], daemon=True).start()


def _keep_trying(storage: Storage) -> None:
    pause = threading.Event()
    while not pause.wait(_SECONDS_BETWEEN_TRIES):
        try:
            storage.prepare()
        except StorageUnavailable:
            continue
        except MeteringError as error:
            LOG.error("the store cannot be used: %s", error)  # noqa: TRY400 - it says enough
        else:
            LOG.info("the store is there, and prepared")
        return
