"""What the commands share: the option that names the configuration file, and logging."""

import argparse
import logging

from metering.api.request_id import LogFilter

_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s [%(request_id)s] %(message)s"


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Let the command take --config-file."""
    parser.add_argument(
        "--config-file",
        help="configuration file; else $METERING_CONFIG_FILE, else /etc/metering/metering.conf",
    )


def set_up_logging() -> None:
    """Log to stderr, each line with its process and the id of its request."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(LogFilter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # Pecan logs as errors what clients do wrong; our own hook says what matters.
    logging.getLogger("pecan").setLevel(logging.CRITICAL)
