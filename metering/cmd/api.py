"""`metering-api`: serve the API from one process with threads, for try-out and small sites."""

import argparse
import ipaddress
import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import waitress

from metering.api.app import make_app
from metering.cmd.common import add_config_argument, set_up_logging
from metering.config import Config, load
from metering.errors import MeteringError, Misconfigured, StorageUnavailable
from metering.storage import open_storage
from metering.storage.base import Storage

LOG = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; requests in flight are answered first.

    Returns:
        0 after a stop, 1 if it cannot be served as it is configured.
    """
    try:
        config = _read_arguments(argv)
        _refuse_open_doors(config)
        set_up_logging()
        storage = open_storage(config.connection, timeout_seconds=config.api.query_timeout_seconds)
        _prepare(storage)
    except MeteringError as error:
        print(f"metering-api: {error}", file=sys.stderr)
        return 1
    _serve(config, storage)
    return 0


def _read_arguments(argv: Sequence[str] | None) -> Config:
    parser = argparse.ArgumentParser(prog="metering-api", description=__doc__)
    add_config_argument(parser)
    parser.add_argument("--host", help="address to listen on")
    parser.add_argument("--port", type=int, help="port to listen on")
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


def _prepare(storage: Storage) -> None:
    """Create what is missing; a store that is away will be asked again by each request."""
    try:
        storage.prepare()
    except StorageUnavailable as error:
        LOG.warning("starting without the store: %s", error)


def _serve(config: Config, storage: Storage) -> None:
    api = config.api
    server = waitress.create_server(
        make_app(config, storage),
        host=api.host,
        port=api.port,
        threads=api.threads,
        ident=None,
        max_request_body_size=2 * api.max_body_bytes,
        clear_untrusted_proxy_headers=True,
    )
    signal.signal(signal.SIGTERM, _stop)
    LOG.info("metering-api listens on http://%s:%d", api.host, api.port)
    print(f"metering-api: http://{api.host}:{api.port}/v2/meters - stop with Ctrl-C")
    server.run()
    storage.close()


def _stop(_: int, __: FrameType | None) -> None:
    """Waitress ends its loop on this, and lets its threads finish what they do."""
    raise SystemExit
