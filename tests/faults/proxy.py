"""A TCP proxy that now and then cuts a connection instead of passing an answer on."""

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOSES = 0.15

_PIECE_BYTES = 65_536
_MOST_SECONDS = 60
_HEADER = struct.Struct("<iiii")
_WRITES = (b"insert\x00", b"commitTransaction\x00")

# Passes on what a client and a server say, until one of them ends or the answer is to be lost.
Serve = Callable[["Proxy", socket.socket, socket.socket], None]


class Proxy:
    """Listens on a free port in front of a server; `part` of the answers are lost."""

    def __init__(self, address: str, serve: Serve, seed: int) -> None:
        """Take where the server listens, and how its connections are served."""
        host, _, port = address.rpartition(":")
        self._server = (host, int(port))
        self._serve = serve
        self.part = LOSES
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.lost = 0
        self.passed = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def loses(self) -> bool:
        """Whether this answer is lost; counts."""
        with self._lock:
            is_lost = self._chance.random() < self.part
            self.lost += is_lost
            self.passed += not is_lost
            return is_lost

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(_MOST_SECONDS)
            with socket.create_connection(self._server, _MOST_SECONDS) as server:
                self._serve(self, client, server)
            # A close alone would wait for the thread that still reads from it.
            client.shutdown(socket.SHUT_RDWR)


@contextmanager
def losing(address: str, serve: Serve, seed: int) -> Iterator[Proxy]:
    """A proxy before the address for the block."""
    proxy = Proxy(address, serve, seed)
    try:
        yield proxy
    finally:
        proxy.close()


def http(proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
    """One request for each connection; the answer is read to its end before it may be lost."""
    threading.Thread(target=_pour, args=[client, server], daemon=True).start()
    answer = b""
    while piece := server.recv(_PIECE_BYTES):
        answer += piece
    if not proxy.loses():
        client.sendall(answer)
        client.shutdown(socket.SHUT_WR)
        # Until the client has it all and closes, too.
        client.recv(1)


def mongodb(proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
    """Requests and answers of MongoDB; answers to writes may be lost, with the connection."""
    while True:
        request = _message(client)
        server.sendall(request)
        answer = _message(server)
        if any(request[21:].find(word, 0, 64) >= 0 for word in _WRITES) and proxy.loses():
            return
        client.sendall(answer)


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, _HEADER.size)
    return head + _exactly(source, _HEADER.unpack(head)[0] - _HEADER.size)


def _exactly(source: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = source.recv(size - len(data))
        if not piece:
            raise ConnectionError
        data += piece
    return data


def _pour(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE_BYTES):
            target.sendall(piece)
