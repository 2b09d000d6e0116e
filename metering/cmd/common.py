"""What the commands share: the option that names the configuration file."""

import argparse


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Let the command take --config-file."""
    parser.add_argument(
        "--config-file",
        help="configuration file; else $METERING_CONFIG_FILE, else /etc/metering/metering.conf",
    )
