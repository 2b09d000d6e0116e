"""Hostile and broken samples."""

import json
from dataclasses import replace

from api.client import agent_sample, v2_sample
from attacks.attack import FORM, NDJSON, Rows, Stretched, post
from attacks.texts import BAD_TIMES, DEEP, SURROGATE, nested

SAMPLES, METER = "/v2/samples", "/v2/meters/cpu"
_PATHS = (SAMPLES, METER)


def _literal(field: str, text: str) -> str:
    """A sample in which the field has this JSON literal."""
    return json.dumps(v2_sample(**{field: "@"})).replace('"@"', text)


def _listed(field: str, text: str) -> str:
    """A body of one such sample."""
    return f"[{_literal(field, text)}]"


_NOT_JSON = {
    "garbage": "{[",
    "text": '"cpu"',
    "number": "1",
    "boolean": "true",
    "truncated": json.dumps([v2_sample()])[:-1],
    "more after the end": json.dumps([v2_sample()]) + " x",
    "two arrays": "[][]",
    "two objects": json.dumps(v2_sample()) + "," + json.dumps(v2_sample()),
    "comma at the end": "[" + json.dumps(v2_sample()) + ",]",
    "single quotes": "[{'counter_name': 'cpu'}]",
    "leading zero": _listed("counter_volume", "01"),
    "plus sign": _listed("counter_volume", "+1"),
    "hexadecimal": _listed("counter_volume", "0x10"),
    "lone surrogate": _listed("resource_id", SURROGATE),
    "lone surrogate in metadata": _listed("resource_metadata", '{"a": ' + SURROGATE + "}"),
    "lone surrogate as key": _listed("resource_metadata", "{" + SURROGATE + ": 1}"),
    "raw control character": _listed("resource_id", '"a\nb"'),
    "deep arrays": nested("[", "]"),
    "deep objects": nested('{"a":', "}"),
    "deep metadata": _listed("resource_metadata", nested('{"a":', "}")),
    "deep lists in metadata": _listed("resource_metadata", nested("[", "]")),
    "deep volume": _listed("counter_volume", nested("[", "]")),
    "deep unknown key": _listed("bogus", nested("[", "]")),
    "never closed": "[" * DEEP,
    "not UTF-8": b'["\xff"]',
    "encoded surrogate": b'[{"resource_id": "\xed\xa0\x80"}]',
    "byte order mark": b"\xef\xbb\xbf[]",
    "UTF-16": json.dumps([v2_sample()]).encode("utf-16"),
}

_NO_SAMPLES = {"nothing": "", "blanks": " \n ", "null": "null", "empty array": "[]"}

_BAD_SAMPLES = {
    "null": ("null", None),
    "number": ("1", None),
    "list": ("[]", None),
    "empty": ("{}", "counter_name"),
    "unknown key": (_literal("bogus", "1"), "bogus"),
    "both shapes in one": (_literal("name", '"cpu"'), "name"),
    "volume 1e400": (_literal("counter_volume", "1e400"), "counter_volume"),
    "volume 1e999999999": (_literal("counter_volume", "1e999999999"), "counter_volume"),
    "volume 1e-999999999": (_literal("counter_volume", "1e-999999999"), "counter_volume"),
    "volume 10^400": (_literal("counter_volume", "1" + "0" * 400), "counter_volume"),
    "volume 1e27": (_literal("counter_volume", "1e27"), "counter_volume"),
    "volume of 28 places": (_literal("counter_volume", "0." + "0" * 27 + "1"), "counter_volume"),
    "volume of 35 digits": (_literal("counter_volume", "1" * 26 + ".123456789"), "counter_volume"),
    "volume NaN": (_literal("counter_volume", "NaN"), "counter_volume"),
    "volume Infinity": (_literal("counter_volume", "Infinity"), "counter_volume"),
    "volume minus Infinity": (_literal("counter_volume", "-Infinity"), "counter_volume"),
    "NaN as a name": (_literal("counter_name", "NaN"), "counter_name"),
    "NaN in metadata": (_literal("resource_metadata", '{"a": NaN}'), "resource_metadata"),
    "volume true": (_literal("counter_volume", "true"), "counter_volume"),
    "volume false": (_literal("counter_volume", "false"), "counter_volume"),
    "volume null": (_literal("counter_volume", "null"), "counter_volume"),
    "volume list": (_literal("counter_volume", "[1]"), "counter_volume"),
    "volume object": (_literal("counter_volume", "{}"), "counter_volume"),
    "volume nan text": (_literal("counter_volume", '"nan"'), "counter_volume"),
    "volume inf text": (_literal("counter_volume", '"-inf"'), "counter_volume"),
    "volume empty text": (_literal("counter_volume", '""'), "counter_volume"),
    "volume with underscore": (_literal("counter_volume", '"1_000"'), "counter_volume"),
    "volume with blanks": (_literal("counter_volume", '" 1 "'), "counter_volume"),
    "volume in full width": (_literal("counter_volume", '"\uff11"'), "counter_volume"),
    "volume in hexadecimal text": (_literal("counter_volume", '"0x10"'), "counter_volume"),
    "type unknown": (_literal("counter_type", '"odometer"'), "counter_type"),
    "type in capitals": (_literal("counter_type", '"GAUGE"'), "counter_type"),
    "name number": (_literal("counter_name", "1"), "counter_name"),
    "name empty": (_literal("counter_name", '""'), "counter_name"),
    "unit null": (_literal("counter_unit", "null"), "counter_unit"),
    "resource list": (_literal("resource_id", "[]"), "resource_id"),
    "resource empty": (_literal("resource_id", '""'), "resource_id"),
    "resource with NUL": (_literal("resource_id", '"a\\u0000"'), "resource_id"),
    "resource with line end": (_literal("resource_id", '"a\\r\\nb"'), "resource_id"),
    "resource with C1": (_literal("resource_id", '"a\\u0085"'), "resource_id"),
    "resource too long": (_literal("resource_id", f'"{"x" * 256}"'), "resource_id"),
    "user number": (_literal("user_id", "7"), "user_id"),
    "project object": (_literal("project_id", "{}"), "project_id"),
    "source with escape": (_literal("source", '"\\u001b[31m"'), "source"),
    "id number": (_literal("message_id", "1"), "message_id"),
    "recorded_at number": (_literal("recorded_at", "1"), "recorded_at"),
    "metadata list": (_literal("resource_metadata", "[]"), "resource_metadata"),
    "metadata text": (_literal("resource_metadata", '"a"'), "resource_metadata"),
    "metadata with NUL": (_literal("resource_metadata", '{"a":"\\u0000"}'), "resource_metadata"),
    "metadata key with NUL": (_literal("resource_metadata", '{"\\u0000":1}'), "resource_metadata"),
    "metadata key twice": (
        _literal("resource_metadata", '{"a.b":1,"a":{"b":2}}'),
        "resource_metadata",
    ),
    "metadata too large": (
        _literal("resource_metadata", json.dumps({"a": "x" * 16_384})),
        "resource_metadata",
    ),
    "metadata key too long": (
        _literal("resource_metadata", json.dumps({"x" * 256: 1})),
        "resource_metadata",
    ),
    "metadata 21 deep": (
        _literal("resource_metadata", '{"a":' * 21 + "1" + "}" * 21),
        "resource_metadata",
    ),
    "metadata number of 5000 digits": (
        _literal("resource_metadata", '{"a":' + "9" * 5000 + "}"),
        "resource_metadata",
    ),
}

_BAD_AGENT_SAMPLES = {
    "boolean volume": {"volume": True},
    "no volume": {"volume": None},
    "empty name": {"name": ""},
    "empty id": {"id": ""},
    "number as id": {"id": 1},
    "number as timestamp": {"timestamp": 1.5},
    "list as resource_metadata": {"resource_metadata": []},
    "unknown type": {"type": "x"},
}

_BAD_LINES = {
    "garbage": "{[",
    "array": "[]",
    "NaN": _literal("counter_volume", "NaN"),
    "lone surrogate": _literal("resource_id", SURROGATE),
    "deep": _literal("resource_metadata", nested('{"a":', "}")),
    "truncated": json.dumps(agent_sample())[:-9],
}

_SAMPLE = json.dumps(v2_sample())[:-1].encode()
_COMMAS = "at most 500000 commas"
_BOMBS = {
    "four million numbers": (Stretched(b"[", b"1,", b"1]"), 413, _COMMAS),
    "three million objects": (Stretched(b"[", b"{},", b"{}]"), 413, _COMMAS),
    "two million NaNs": (Stretched(b"[", b"NaN,", b"NaN]"), 413, _COMMAS),
    "commas": (Stretched(b"[", b",", b"]"), 413, _COMMAS),
    "metadata": (
        Stretched(b"[" + _SAMPLE + b',"resource_metadata":{"a":[', b"[],", b"1]}}]"),
        413,
        _COMMAS,
    ),
    "unknown key": (Stretched(b"[" + _SAMPLE + b',"x":[', b"[],", b"1]}]"), 413, _COMMAS),
    "hundred thousand samples": (
        Stretched(b"[{}", b"," + _SAMPLE + b"}", b"]"),
        413,
        "at most 5000 samples",
    ),
    "quotes never closed": (Stretched(b'[NaN,"', b'\\"', b"\\"), 400, "valid JSON"),
    "5001 numbers": (Stretched(b"[", b"1,", b"1]", 10_003), 413, "at most 5000 samples"),
    "never closed": (Stretched(b"", b"[", b""), 400, "valid JSON"),
    "never closed objects": (Stretched(b"", b'{"a":', b""), 400, ""),
    "more than 8 MB": (Stretched(b"[", b" ", b"]", 9_000_000), 413, "larger than 8388608 bytes"),
}
_LONG_VALUES = {
    "digits": (b'"counter_volume":', b"9", b""),
    "digits in a text": (b'"counter_volume":"', b"9", b'"'),
    "resource": (b'"resource_id":"', b"x", b'"'),
    "escapes": (b'"resource_id":"', b"\\u0041", b'"'),
    "metadata": (b'"resource_metadata":{"a":"', b"x", b'"}'),
    "metadata key": (b'"resource_metadata":{"', b"x", b'":1}'),
    "backslashes": (b'"source":"', b"\\\\", b'"'),
}


def attacks() -> Rows:
    """Every row."""
    yield from _bodies()
    yield from _among_good()
    yield from _lines()
    yield from _bombs()


def _bodies() -> Rows:
    for path in _PATHS:
        for name, body in _NOT_JSON.items():
            yield f"{path}: not JSON: {name}", post(path, 400, "", body)
        for name, body in _NO_SAMPLES.items():
            words = "Samples should be included in request body"
            yield f"{path}: no samples: {name}", post(path, 400, words, body)
        words = "Content-Type must be"
        yield f"{path}: form", post(path, 400, words, json.dumps([v2_sample()]), FORM)
    for name, text in BAD_TIMES.items():
        body = f"[{_literal('timestamp', text)}]"
        yield f"{METER}: timestamp: {name}", post(METER, 400, "timestamp", body)


def _among_good() -> Rows:
    """On a meter's path one bad sample refuses the body; among samples of all it is alone."""
    for name, (item, field) in _BAD_SAMPLES.items():
        body = f"[{json.dumps(v2_sample())}, {item}]"
        words = (field or "Invalid sample").removeprefix("resource_")
        yield f"{METER}: {name}", post(METER, 400, words, body)
        yield f"{SAMPLES}: {name}", replace(post(SAMPLES, 207, _rejected(1, field), body), stored=1)
    for name, changes in _BAD_AGENT_SAMPLES.items():
        (field,) = changes
        body = json.dumps([agent_sample(**changes)])
        yield f"{SAMPLES}: agent: {name}", post(SAMPLES, 207, _rejected(0, field), body)


def _lines() -> Rows:
    for name, line in _BAD_LINES.items():
        body = f"{line}\n{json.dumps(v2_sample())}"
        row = post(SAMPLES, 207, '"rejected":[{"index":0,', body, NDJSON)
        yield f"{SAMPLES}: line: {name}", replace(row, stored=1)
    body = json.dumps([v2_sample()])
    yield f"{METER}: lines", post(METER, 415, NDJSON, body, NDJSON)
    for name, line in {"numbers": b"1", "NaNs": b"NaN"}.items():
        many = Stretched(line, b"\n" + line, b"")
        yield f"{SAMPLES}: lines of {name}", post(SAMPLES, 413, "at most 5000", many, NDJSON)
    blanks = {"lines": Stretched(b"1", b"\n \r", b""), "line": Stretched(b"1\n", b" ", b"\n1")}
    for name, blank in blanks.items():
        row = post(SAMPLES, 207, '"rejected":[{"index":0,', blank, NDJSON)
        yield f"{SAMPLES}: blank {name}", row


def _bombs() -> Rows:
    for path in _PATHS:
        for name, (body, status, words) in _BOMBS.items():
            yield f"{path}: bomb: {name}", post(path, status, words, body)
    for name, (before, unit, after) in _LONG_VALUES.items():
        bomb = Stretched(b"[" + _SAMPLE + b"," + before, unit, after + b"}]")
        yield f"{METER}: long {name}", post(METER, 400, "", bomb)


def _rejected(index: int, field: str | None) -> str:
    return f'"rejected":[{{"index":{index},"code":"invalid_sample","field":{json.dumps(field)}'
