"""Requests that are hostile in their path, method or headers."""

import json
from dataclasses import replace

from api.client import v2_sample
from attacks.attack import JSON, Attack, Rows, get, post

_SAMPLES, _METER = "/v2/samples", "/v2/meters/cpu"
_STATISTICS = f"{_METER}/statistics"
_BODY = json.dumps([v2_sample()])
_NO_SUCH = "could not be found"
_NOT_TEXT = "not valid UTF-8"

_PATHS = {
    "/v2/nothing": (404, _NO_SUCH),
    "/v3": (404, _NO_SUCH),
    "//v2//samples": (404, _NO_SUCH),
    "//evil.example/v2/samples": (404, _NO_SUCH),
    "/v2/meters/cpu/__class__": (404, "Meter cpu/__class__ Not Found"),
    "/_route": (404, _NO_SUCH),
    "/v2/meters/a/statistics/b": (404, "Meter a/statistics/b Not Found"),
    "/v2/%2e%2e/metrics": (404, _NO_SUCH),
    "/%2e%2e/%2e%2e/etc/passwd": (404, _NO_SUCH),
    "/v2/samples%2Fx": (404, "Sample x Not Found"),
    "/v2/samples/%2e%2e%2f%2e%2e%2fetc%2fpasswd": (404, "Sample ../../etc/passwd Not Found"),
    "/v2/samples/a%00b": (404, "Sample a"),
    "/v2/samples/a%0d%0aSet-Cookie:x": (404, "Sample a"),
    "/v2/samples/%1b[31m": (404, "Sample"),
    "/v2/samples/%e2%80%ae": (404, "Sample \u202e Not Found"),
    "/v2/samples/%ff": (400, _NOT_TEXT),
    "/v2/samples/%c0%ae": (400, _NOT_TEXT),
    "/v2/samples/%ED%A0%80": (400, _NOT_TEXT),
    "/v2/resources/" + "x" * 9_000: (404, "Resource " + "x" * 100 + " Not Found"),
    "/v2/samples/$where": (404, "Sample $where Not Found"),
    "/v2/samples?limit=%ff": (400, _NOT_TEXT),
    "/v2/samples?%ff=1": (400, _NOT_TEXT),
    "/v2/samples?limit=1?limit=2": (400, "limit"),
    "/v2/samples?" + "a&" * 4_500: (400, "Unknown argument"),
    "/v2/samples?" + "q.field=user&q.value=x&" * 400: (400, "at most 50 conditions"),
    "/v2/samples?" + "x" * 5_000 + "=1": (400, "Unknown argument"),
    "/v2/alarms/x": (410, "alarms"),
}

_ROUTES = {
    "/v2/meters": ("GET",),
    _METER: ("GET", "POST"),
    _STATISTICS: ("GET",),
    _SAMPLES: ("GET", "POST"),
    "/v2/samples/s-1": ("GET",),
    "/v2/resources": ("GET",),
    "/v2/resources/vm-1": ("GET",),
    "/v2/query/samples": ("POST",),
    "/v2/capabilities": ("GET",),
    "/v2/openapi.json": ("GET",),
}
_METHODS = ("PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "BREW", "get", "G" * 500)

_MEDIA = ("text/plain", "application/xml", "text/xml", "multipart/form-data", "image/png", "x")
_ENCODINGS = ("gzip", "deflate", "br", "GZIP", "gzip, identity", "x" * 9_000)
_XML_BOMB = '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><samples>&c;</samples>'

_HARMLESS_HEADERS = {
    "Accept": ("garbage", "*/*;q=" + "9" * 1_000, "application/json;" + "x=y;" * 5_000, "\xff"),
    "Content-Type": ("application/json; charset=utf-16", "application/json; charset=bogus"),
    "Cookie": ("\xff=;;==", "a=" + "b" * 9_000),
    "If-None-Match": ("*",),
    "If-Modified-Since": ("nonsense",),
    "Range": ("bytes=" + "0-0," * 1_000,),
    "X-Http-Method-Override": ("DELETE",),
    "X-Original-Url": ("/metrics",),
    "X-Forwarded-Host": ("evil.example",),
    "X-Openstack-Request-Id": ("req-forged",),
    "X-Forwarded-For": ("1.2.3.4",),
    "Proxy": ("http://evil.example",),
    "Script-Name": ("/evil",),
    "Path-Info": ("/metrics",),
    "Remote-Addr": ("127.0.0.1",),
    "X-Roles": ("admin",),
    "X-Long": ("x" * 30_000,),
}
_BAD_HOSTS = ("a b", "a/b", "a@b", "a,b", "a%0d%0ab", "<script>", "\xff", "x" * 256, "a\\b", '"')


def attacks() -> Rows:
    """Every row."""
    for path, (status, words) in _PATHS.items():
        yield f"path: {path[:60]}", get(path, status, words)
    for path, allowed in _ROUTES.items():
        for method in _METHODS:
            yield f"{path}: {method[:10]}", Attack(method=method, path=path, status=405)
        for method in sorted({"GET", "POST"}.difference(allowed)):
            yield f"{path}: {method}", Attack(method=method, path=path, status=405)
    yield from _forms()
    yield from _headers()


def _forms() -> Rows:
    """Bodies in a form that is not read here."""
    for path in (_SAMPLES, _METER):
        for media in _MEDIA:
            yield f"POST {path}: {media}", post(path, 415, media, _BODY, media)
        for encoding in _ENCODINGS:
            row = post(path, 415, "content encoding not supported", _BODY)
            headers = {**row.headers, "Content-Encoding": encoding}
            yield f"{path}: in {encoding[:20]}", replace(row, headers=headers)
        bomb = post(path, 415, "application/xml", _XML_BOMB, "application/xml")
        yield f"{path}: entities of XML", bomb
        yield f"{path}: no form", replace(post(path, 415, "mimetype", _BODY), headers={})
    for path in (_SAMPLES, _STATISTICS):
        for media in _MEDIA:
            yield f"GET {path}: {media}", get(path, 415, media, _BODY, media)
    yield "question in XML", post("/v2/query/samples", 415, "text/xml", _XML_BOMB, "text/xml")
    for query in ("_method=delete", "_method=put", "sample_id=x", "limit=1"):
        row = post(f"{_SAMPLES}?{query}", 400, "Unknown argument", _BODY)
        yield f"POST beside {query}", row


def _headers() -> Rows:
    for name, values in _HARMLESS_HEADERS.items():
        for value in values:
            headers = {name: value}
            row = Attack(method="GET", path="/v2/meters", status=200, words="[{", headers=headers)
            yield f"{name}: {value[:30]}", row
    for accept in ("text/plain", "text/html", "image/*", "*/*;q=0", "a/b," * 5_000):
        headers = {"Accept": accept}
        row = Attack(method="GET", path=_SAMPLES, status=406, words="no form", headers=headers)
        yield f"Accept: {accept[:30]}", row
    for path in ("/", "/v2/resources", "/healthz/live"):
        for host in _BAD_HOSTS:
            headers = {"Host": host}
            row = Attack(method="GET", path=path, status=400, words="the host", headers=headers)
            yield f"{path}: Host: {host[:20]}", row
    for key in ("\xff", "k" * 9_000, "$ne", "'; DROP TABLE samples; --"):
        headers = {"Idempotency-Key": key, "Content-Type": JSON}
        row = post(_SAMPLES, 201, '"accepted":1,', _BODY)
        yield f"Idempotency-Key: {key[:30]}", replace(row, headers=headers, stored=1)
