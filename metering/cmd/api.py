"""`metering-api`: serve the API from one process with threads, for try-out and small sites."""

import argparse
import ipaddress
import logging
import sys
import threading
from collections.abc import Sequence

from metering.api.app import make_app
from metering.cmd.common import add_config_argument
from metering.cmd.garbage import spare_what_is_loaded
from metering.cmd.logs import set_up_logging
from metering.cmd.preparing import prepare_when_there
from metering.cmd.serving import Server
from metering.config import Config, load
from metering.errors import MeteringError, Misconfigured
from metering.storage import open_storage

LOG = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; requests in flight are answered first.

    Returns:
        0 after a stop, 1 if it cannot be served as it is configured.
    """
    try:
        config = _read_arguments(argv)
        _refuse_open_doors(config)
        set_up_logging(config.log)
        storage = open_storage(config.connection, timeout_seconds=config.api.query_timeout_seconds)
        prepare_when_there(storage)
        stopping = threading.Event()
        server = Server(make_app(config, storage, stopping), config.api, stopping)
    except MeteringError as error:
        print(f"metering-api: {error}", file=sys.stderr)
        return 1
    spare_what_is_loaded()
    _announce(server)
    server.run()
    storage.close()
    return 0


def _read_arguments(argv: Sequence[str] | None) -> Config:
    parser = argparse.ArgumentParser(prog="metering-api", description=__doc__)
    add_config_argument(parser)
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on; 0 takes a free one")
    parser.add_argument("--connection", help="URL of the store")
    given = parser.parse_args(argv)
    places = (("api", "host"), ("api", "port"), ("database", "connection"))
    overrides = [
        (group, name, getattr(given, name))
        for group, name in places
        if getattr(given, name) is not None
    ]
    return load(given.config_file, overrides)


def _refuse_open_doors(config: Config) -> None:
    """Without authentication everyone who can connect is an administrator."""
    api = config.api
    if api.auth == "none" and not api.insecure and not _is_loopback(api.host):
        message = (
            f"auth = none on {api.host} would let everyone read and write; listen on 127.0.0.1, "
            "set [api] auth, or insecure = true"
        )
        raise Misconfigured(message, field="[api] auth")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _announce(server: Server) -> None:
    for host, port in server.addresses:
        shown = f"[{host}]" if ":" in host else host
        LOG.info("listening on http://%s:%d", shown, port)
        # Flushed: whoever started us through a pipe waits for it.
        print(f"metering-api: http://{shown}:{port}/v2/meters - stop with Ctrl-C", flush=True)
