"""Whether a client is still there, as its connection shows it."""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from metering.api.exchange.client import has_hung_up


class Ends(NamedTuple):
    """The two ends of a connection."""

    ours: socket.socket
    theirs: socket.socket


@pytest.fixture(params=["TCP", "Unix"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    """Connected to each other."""
    ours, theirs = socket.socketpair() if request.param == "Unix" else over_tcp()
    with ours, theirs:
        yield Ends(ours, theirs)


def over_tcp() -> tuple[socket.socket, socket.socket]:
    """Two ends on the loopback address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    return ours, theirs


def test_who_waits_is_there(ends: Ends) -> None:
    """Silent, or with more to say."""
    assert not has_hung_up(ends.ours.fileno())
    ends.theirs.sendall(b"GET / HTTP/1.1\r\n")
    assert not has_hung_up(ends.ours.fileno())


@pytest.mark.parametrize("sent", [b"", b"what nobody reads"])
def test_who_closes_has_gone(ends: Ends, sent: bytes) -> None:
    """Also if something is still to be read."""
    ends.theirs.sendall(sent)
    ends.theirs.close()

    assert has_hung_up(ends.ours.fileno())
    assert has_hung_up(ends.ours.fileno())


def test_who_sends_nothing_more_has_gone(ends: Ends) -> None:
    """It cannot be told from who has closed."""
    ends.theirs.shutdown(socket.SHUT_WR)

    assert has_hung_up(ends.ours.fileno())


def test_who_breaks_the_connection_has_gone(ends: Ends) -> None:
    """As a process does that is killed with something unread."""
    ends.theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    ends.theirs.close()

    assert has_hung_up(ends.ours.fileno())


def test_a_socket_that_we_closed_has_no_client(ends: Ends) -> None:
    """Its number is none any more."""
    number = ends.ours.fileno()
    ends.ours.close()

    assert has_hung_up(ends.ours.fileno())
    assert has_hung_up(number)
