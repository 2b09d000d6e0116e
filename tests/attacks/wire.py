"""Attacks in the bytes of HTTP itself, which make sense against a server only."""

import json
from dataclasses import dataclass

from api.client import v2_sample

BODY = json.dumps([v2_sample()]).encode()
CLOSED = None

_LENGTH = b"Content-Length: %d\r\n" % len(BODY)
_GET = b"GET /v2/meters HTTP/1.1\r\nHost: a\r\n"
_POST = b"POST /v2/samples HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
_LINE = "the request line is malformed"
_PATH = "the path has a damaged escape"
_NAME = "the name of a header is malformed"
_NEEDED = "Length Required"
_LARGE = "the body is larger than 8388608 bytes"
_NO_SUCH = "could not be found"


@dataclass(frozen=True, slots=True)
class Wire:
    """What is sent, after which no more comes, and the status of the answer.

    CLOSED: uWSGI itself closes the connection without an answer. `stored` is how many samples it
    may leave behind.
    """

    sent: bytes
    status: int | None
    words: str = ""
    stored: int = 0


def _asked(target: bytes, headers: bytes = b"") -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n"


def _head(path: bytes) -> bytes:
    return b"HEAD " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def _sent(headers: bytes, body: bytes = BODY) -> bytes:
    return _POST + headers + b"\r\n" + body


_REQUEST_LINES = {
    "nothing": Wire(b"", CLOSED),
    "half a request": Wire(b"GET /v2/meters HTTP/1.1\r\nHo", CLOSED),
    "nothing but line ends": Wire(b"\r\n\r\n", 400, _LINE),
    "bytes": Wire(b"\x00\x01\x02\xff\xfe\r\n\r\n", 400, _LINE),
    "a method alone": Wire(b"HEAD\r\n\r\n", 400, _LINE),
    "HTTP/0.9": Wire(b"GET /v2/meters\r\n", CLOSED),
    "HTTP/0.9 with an end": Wire(b"GET /v2/meters\r\n\r\n", 400, _LINE),
    "hello of TLS": Wire(bytes.fromhex("160301020001000100") + bytes(60), CLOSED),
    "protocol of uWSGI": Wire(b"\x00\x1a\x00\x00\x0e\x00REQUEST_METHOD\x03\x00GET", CLOSED),
    "PROXY before it": Wire(b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + _GET + b"\r\n", CLOSED),
    "line ends of Unix": Wire(b"GET /v2/meters HTTP/1.1\nHost: a\n\n", CLOSED),
    "tabs": Wire(b"GET\t/v2/meters\tHTTP/1.1\r\nHost: a\r\n\r\n", 400, _LINE),
    "blank in the path": Wire(_asked(b"/v2/samples/a b"), 400, _LINE),
    "blank in the query": Wire(_asked(b"/v2/meters?limit=1 &limit=0"), 400, _LINE),
    "header in the version": Wire(b"GET / HTTP/1.1\nX-Evil: 1\r\nHost: a\r\n\r\n", 400, _LINE),
    "no method": Wire(b" /v2/meters HTTP/1.1\r\nHost: a\r\n\r\n", 405),
    "no path": Wire(_asked(b""), 404, _NO_SUCH),
    "method of 5000 letters": Wire(b"G" * 5_000 + b" /v2/meters HTTP/1.1\r\n\r\n", 405),
    "method of bytes": Wire(b"\xff\x1b[31m\x00 /v2/meters HTTP/1.1\r\n\r\n", 405),
    "CONNECT": Wire(b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 404, _NO_SUCH),
    "HTTP/2": Wire(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404, _NO_SUCH),
    "no host": Wire(b"GET /v2/meters HTTP/1.1\r\n\r\n", 200),
    "HTTP/1.0": Wire(b"GET /v2/meters HTTP/1.0\r\n\r\n", 200),
    "HEAD of a list": Wire(_head(b"/v2/meters"), 405),
    "HEAD of health": Wire(_head(b"/healthz/live"), 200),
    "OPTIONS of everything": Wire(b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200),
    "OPTIONS of a list": Wire(b"OPTIONS /v2/meters HTTP/1.1\r\nHost: a\r\n\r\n", 200),
}

_TARGETS = {
    "dots": Wire(_asked(b"/v2/../v2/meters"), 400, _PATH),
    "dots in an id": Wire(_asked(b"/v2/resources/a/../vm-1"), 400, _PATH),
    "many dots": Wire(_asked(b"/../../../../etc/passwd"), 400, _PATH),
    "encoded dots": Wire(_asked(b"/v2/resources/a/%2e%2e/vm-1"), 404, "a/../vm-1 Not Found"),
    "escape that is none": Wire(_asked(b"/v2/resources/%zz"), 400, _PATH),
    "escape cut short": Wire(_asked(b"/v2/samples/%"), 400, _PATH),
    "fragment": Wire(_asked(b"/v2/meters#x"), 400, _PATH),
    "absolute": Wire(_asked(b"http://evil.example/v2/meters"), 404, _NO_SUCH),
    "without a slash": Wire(_asked(b"v2/meters"), 404, _NO_SUCH),
    "NUL": Wire(_asked(b"/v2/samples/a\x00b"), 404, "Not Found"),
    "NUL in the query": Wire(_asked(b"/v2/samples?q.field=\x00&q.value=1"), 400, "Unknown"),
    "bytes": Wire(_asked(b"/v2/samples/\xff\xfe"), 400, "not valid UTF-8"),
    "bytes in the query": Wire(_asked(b"/v2/samples?q.field=\xff&q.value=1"), 400, "UTF-8"),
    "9 KB": Wire(_asked(b"/v2/samples/" + b"a" * 9_000), 404, "Not Found"),
    "40 KB": Wire(_asked(b"/v2/samples/" + b"a" * 40_000), CLOSED),
    "query of 40 KB": Wire(_asked(b"/v2/samples?" + b"a" * 40_000), 414),
    "100 KB": Wire(_asked(b"/v2/samples/" + b"a" * 100_000), CLOSED),
}

_MANY = b"".join(b"X-%d: a\r\n" % number for number in range(1_000))
_HEADERS = {
    "two hosts": Wire(_asked(b"/", b"Host: b\r\n"), 400, "the host"),
    "scheme": Wire(_asked(b"/", b"X-Forwarded-Proto: javascript:x//\r\n"), 400, "the scheme"),
    "no colon": Wire(_asked(b"/v2/meters", b"Nonsense\r\n"), CLOSED),
    "no name": Wire(_asked(b"/v2/meters", b": x\r\n"), CLOSED),
    "blank in a name": Wire(_asked(b"/v2/meters", b"X Y: x\r\n"), 400, _NAME),
    "NUL in a name": Wire(_asked(b"/v2/meters", b"X\x00Y: x\r\n"), 400, _NAME),
    "NUL in a value": Wire(_asked(b"/v2/meters", b"X: a\x00b\r\n"), 200),
    "bytes": Wire(_asked(b"/v2/meters", b"X: \xc3\xa9\xff\r\n"), 200),
    "folded": Wire(_asked(b"/v2/meters", b"X: a\r\n b\r\n"), 200),
    "bare CR": Wire(_asked(b"/v2/meters", b"X: a\rY: c\r\n"), CLOSED),
    "one of 60 KB": Wire(_asked(b"/v2/meters", b"X: " + b"a" * 60_000 + b"\r\n"), 200),
    "one of 100 KB": Wire(_asked(b"/v2/meters", b"X: " + b"a" * 100_000 + b"\r\n"), CLOSED),
    "a thousand": Wire(_asked(b"/v2/meters", _MANY), CLOSED),
    "Upgrade": Wire(_asked(b"/v2/meters", b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), 200),
    "another request behind": Wire(_GET + b"\r\n" + _asked(b"/v2/nothing"), 200),
    "another behind a body": Wire(_sent(_LENGTH, BODY + _asked(b"/")), 201, stored=1),
}

_LENGTHS = {
    "negative": Wire(_sent(b"Content-Length: -1\r\n"), 411, _NEEDED),
    "with a sign": Wire(_sent(b"Content-Length: +10\r\n"), 411, _NEEDED),
    "word": Wire(_sent(b"Content-Length: ten\r\n"), 411, _NEEDED),
    "hexadecimal": Wire(_sent(b"Content-Length: 0x10\r\n"), 411, _NEEDED),
    "number and word": Wire(_sent(b"Content-Length: 5abc\r\n"), 411, _NEEDED),
    "list": Wire(_sent(b"Content-Length: 10, 10\r\n"), 411, _NEEDED),
    "twice": Wire(_sent(_LENGTH * 2), 411, _NEEDED),
    "two": Wire(_sent(_LENGTH + b"Content-Length: 5\r\n"), 411, _NEEDED),
    "two, the smaller first": Wire(_sent(b"Content-Length: 5\r\n" + _LENGTH), 411, _NEEDED),
    "and one with an underscore": Wire(_sent(_LENGTH + b"Content_Length: 5\r\n"), 411, _NEEDED),
    "blank before the colon": Wire(_sent(_LENGTH.replace(b":", b" :")), 400, _NAME),
    "2^64": Wire(_sent(b"Content-Length: 18446744073709551616\r\n"), 413, _LARGE),
    "2^63": Wire(_sent(b"Content-Length: 9223372036854775808\r\n"), CLOSED),
    "5000 digits": Wire(_sent(b"Content-Length: " + b"9" * 5_000 + b"\r\n"), CLOSED),
    "a terabyte": Wire(_sent(b"Content-Length: 1000000000000\r\n"), CLOSED),
    "too short": Wire(_sent(b"Content-Length: 5\r\n"), 400, "valid JSON"),
    "too long": Wire(_sent(b"Content-Length: 5000\r\n"), CLOSED),
    "none": Wire(_sent(b""), 400, "Samples should be included"),
    "zero": Wire(_sent(b"Content-Length: 0\r\n"), 400, "Samples should be included"),
    "end in the middle": Wire(_sent(_LENGTH, BODY[:-9]), CLOSED),
    "zeros in front": Wire(_sent(_LENGTH.replace(b": ", b": 000")), 201, stored=1),
    "Expect": Wire(_sent(_LENGTH + b"Expect: 100-continue\r\n"), 201, stored=1),
}

_CODINGS = {
    name: Wire(_sent(headers + b"\r\n"), status, words)
    for name, headers, status, words in (
        ("chunked", b"Transfer-Encoding: chunked", 411, _NEEDED),
        ("chunked and a length", _LENGTH + b"Transfer-Encoding: chunked", 411, _NEEDED),
        ("unknown", _LENGTH + b"Transfer-Encoding: xchunked", 411, _NEEDED),
        ("identity", _LENGTH + b"Transfer-Encoding: identity", 411, _NEEDED),
        ("empty", _LENGTH + b"Transfer-Encoding:", 411, _NEEDED),
        ("underscore", _LENGTH + b"Transfer_Encoding: chunked", 411, _NEEDED),
        ("blank before the colon", _LENGTH + b"Transfer-Encoding : chunked", 400, _NAME),
        ("twice", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 411, _NEEDED),
    )
}

_GROUPS = {
    "request line": _REQUEST_LINES,
    "target": _TARGETS,
    "headers": _HEADERS,
    "Content-Length": _LENGTHS,
    "Transfer-Encoding": _CODINGS,
}

WIRE = {f"{group}: {name}": row for group, rows in _GROUPS.items() for name, row in rows.items()}
