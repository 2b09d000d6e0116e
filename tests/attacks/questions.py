"""Hostile and broken questions."""

import json
from urllib.parse import quote

from attacks.attack import FORM, Rows, Stretched, get, post
from attacks.texts import BAD_TIMES, SURROGATE, nested

SAMPLES, METER = "/v2/samples", "/v2/meters/cpu"
STATISTICS = f"{METER}/statistics"
SEGMENTS = f"{METER}/segments"
LISTS = ("/v2/meters", METER, SAMPLES, "/v2/resources")
_ALL = (*LISTS, STATISTICS)
_QUERY = "/v2/query/samples"

_BAD_LIMITS = {
    "zero": ("0", "Limit must be positive"),
    "negative": ("-1", "Limit must be positive"),
    "fraction": ("1.5", "limit"),
    "exponent": ("1e3", "limit"),
    "empty": ("", "limit"),
    "word": ("ten", "limit"),
    "Arabic digit": ("\u0663", "limit"),
    "underscore": ("1_0", "limit"),
    "hexadecimal": ("0x10", "limit"),
    "NUL": ("\0", "limit"),
    "41 digits": ("9" * 41, "limit"),
    "5000 digits": ("9" * 5000, "limit"),
}

_BAD_PERIODS = {
    "negative": ("-1", "Period must be positive."),
    "10^30": ("1" + "0" * 30, "Invalid period"),
    "beyond the calendar": ("999999999999", "Invalid period"),
    "fraction": ("1.5", "period"),
    "word": ("day", "period"),
    "empty": ("", "period"),
    "41 digits": ("9" * 41, "period"),
    "Arabic digit": ("\u0663", "period"),
    "twice": ("1&period=2", "period was given several times"),
}

_RAGGED = {
    "field alone": "q.field=user",
    "value alone": "q.value=x",
    "op alone": "q.op=eq",
    "type alone": "q.type=integer",
    "more values than fields": "q.field=user&q.value=1&q.value=2",
    "more fields than values": "q.field=user&q.field=project&q.value=1",
    "fewer ops": "q.field=user&q.value=1&q.field=project&q.op=gt&q.value=2",
    "more ops": "q.field=user&q.op=eq&q.op=gt&q.value=1",
    "fewer types": "q.field=metadata.a&q.value=1&q.field=metadata.b&q.value=2&q.type=integer",
    "q itself": "q=user",
    "unknown part": "q.field=user&q.value=x&q.extra=1",
    "index without value": "q[0].field=user",
    "index that is none": "q[x].field=user&q[x].value=1",
}

_BAD_CONDITIONS = {
    "unknown field": ("q.field=flavour&q.value=1", 'Unknown argument: "flavour"'),
    "empty field": ("q.field=&q.value=1", "Unknown argument"),
    "field in capitals": ("q.field=User&q.value=1", "Unknown argument"),
    "NUL as field": ("q.field=%00&q.value=1", "Unknown argument"),
    "field of 10 kB": (f"q.field={'a' * 10_000}&q.value=1", "Unknown argument"),
    "path of 10 kB": (f"q.field=metadata.{'a.' * 5_000}&q.value=1", "at most 1000 characters"),
    "unknown operator": ("q.field=user&q.op=like&q.value=1", "unimplemented operator for user"),
    "operator in capitals": ("q.field=user&q.op=EQ&q.value=1", "unimplemented operator"),
    "unknown type": ("q.field=metadata.a&q.value=1&q.type=blob", "data type blob"),
    "no integer": ("q.field=metadata.a&q.value=x&q.type=integer", "Unable to convert"),
    "1.0 as integer": ("q.field=metadata.a&q.value=1.0&q.type=integer", "Unable to convert"),
    "no float": ("q.field=metadata.a&q.value=1_0&q.type=float", "Unable to convert"),
    "huge float": ("q.field=metadata.a&q.value=1e999999999&q.type=float", "Unable to convert"),
    "no boolean": ("q.field=metadata.a&q.value=2&q.type=boolean", "Unable to convert"),
    "no datetime": ("q.field=metadata.a&q.value=now&q.type=datetime", "Unable to convert"),
    "51 conditions": ("&".join(["q.field=user&q.value=1"] * 51), "at most 50 conditions"),
    "field not UTF-8": ("q.field=%ff&q.value=1", "not valid UTF-8"),
    "value with surrogate": ("q.field=user&q.value=%ED%A0%80", "not valid UTF-8"),
    "name not UTF-8": ("%ff=1", "not valid UTF-8"),
}

_ANCHOR = "0001-01-01T00:00:59.999"

_BAD_OFFSETS = {
    "alone": ("q.field=search_offset&q.value=1", "cannot be used without timestamp"),
    "fraction": ("q.field=timestamp&q.value=2015&q.field=search_offset&q.value=1.5", "minutes"),
    "huge": ("q.field=timestamp&q.value=2015&q.field=search_offset&q.value=9999999999", "minutes"),
    "out of the calendar": (
        "q.field=timestamp&q.value=0001-01-01&q.field=search_offset&q.value=1",
        "calendar",
    ),
    "anchor out of the calendar": (
        f"q.field=timestamp&q.op=gt&q.value={_ANCHOR}&q.field=search_offset&q.op=&q.value=1",
        "calendar",
    ),
    "compared": (
        "q.field=timestamp&q.op=gt&q.value=2015&q.field=search_offset&q.op=gt&q.value=1",
        "unimplemented operator for search_offset",
    ),
}

_BAD_VOLUMES = {"word": "x", "NaN": "nan", "1e400": "1e400", "1e999999999": "1e999999999"}

_JUNE = "start=2015-06-01&end=2015-07-01"
_BAD_WINDOWS = {
    "zone that is a file": ("tz=../../../../etc/passwd", "tz must be a name"),
    "zone with an absolute path": ("tz=/etc/localtime", "tz must be a name"),
    "zone with NUL": ("tz=UTC%00", "tz must be a name"),
    "zone of 10 kB": (f"tz={'a/' * 5_000}", "tz must be a name"),
    "zone that is a folder": ("tz=Europe", "tz must be a name"),
    "start in words": ("start=yesterday", "start"),
    "start in an array": ("start[]=2015", "start[]"),
    "hours of ten thousand years": (
        "interval=hour&start=0001-01-02&end=9999-12-31",
        "more than 10000 windows",
    ),
    "unknown interval": (f"interval=$month&{_JUNE}", "interval must be one of"),
    "interval of no range": ("interval=day", "interval needs start"),
    "both kinds": (f"interval=day&period=60&{_JUNE}", "exclude each other"),
    "anchor out of the calendar": (f"interval=month&anchor=0000-01-01&{_JUNE}", "anchor"),
    "year 0": (
        "interval=year&anchor=2015-06-01&start=0001-01-01&end=0001-01-02",
        "out of the calendar",
    ),
    "fill with a number": (f"interval=day&fill=1e9&{_JUNE}", "fill must be one of"),
}

_BAD_GROUPS = ["volume", "timestamp", "id", "user", "", "metadata.", "user_id,project_id", "$where"]

_BAD_AGGREGATES = {
    "unknown": ("aggregate.func=median", "Invalid aggregation function: median"),
    "empty": ("aggregate.func=", "Invalid aggregation function"),
    "param alone": ("aggregate.param=x", "aggregate.param"),
    "more params": ("aggregate.func=max&aggregate.param=&aggregate.param=x", "aggregate.param"),
    "cardinality of nothing": ("aggregate.func=cardinality", "Bad aggregate: cardinality.None"),
    "cardinality of x": (
        "aggregate.func=cardinality&aggregate.param=x",
        "Bad aggregate: cardinality.x",
    ),
    "param of max": ("aggregate.func=max&aggregate.param=volume", "Bad aggregate: max.volume"),
    "aggregate itself": ("aggregate=max", "aggregate"),
}

_BAD_MARKERS = {
    "empty": "",
    "garbage": "x",
    "not base64": "%%%",
    "not JSON": "W1tb",
    "empty array": "W10",
    "wrong types": "WzEsMl0",
    "wrong length": "WzEsIjAwIiwzXQ",
    "time out of the calendar": "WzEwMDAwMDAwMDAwMDAwMDAwMDAsIjAwIl0",
    "odd key": "WzEsIjAiXQ",
    "deep": "W1tb" * 5000,
    "not ASCII": "\u00fc",
}

_GET_BODIES = {
    "garbage": ("{[", "not in valid JSON format"),
    "list": ("[]", "must be a JSON dict"),
    "text": ('"q"', "must be a JSON dict"),
    "null": ("null", "must be a JSON dict"),
    "unknown key": ('{"bogus":1}', "bogus"),
    "dotted key": ('{"q.field":"user"}', "q.field"),
    "q text": ('{"q":"x"}', "not a valid list"),
    "q object": ('{"q":{}}', "not a valid list"),
    "null condition": ('{"q":[null]}', "q must not hold null"),
    "number as condition": ('{"q":[1]}', "malformed"),
    "list as condition": ('{"q":[[]]}', "malformed"),
    "empty condition": ('{"q":[{}]}', "Mandatory field missing"),
    "no value": ('{"q":[{"field":"user"}]}', "Mandatory field missing"),
    "number as value": ('{"q":[{"field":"user","value":1}]}', "Wrong type"),
    "operator as value": ('{"q":[{"field":"user","value":{"$ne":1}}]}', "Wrong type"),
    "extra key": ('{"q":[{"field":"user","value":"x","and":1}]}', "argument q: and"),
    "lone surrogate as value": (
        f'{{"q":[{{"field":"user","value":{SURROGATE}}}]}}',
        "not in valid JSON format",
    ),
    "lone surrogate as field": (
        f'{{"q":[{{"field":{SURROGATE},"value":"x"}}]}}',
        "not in valid JSON format",
    ),
    "lone surrogate as key": (f"{{{SURROGATE}:1}}", "not in valid JSON format"),
    "limit zero": ('{"limit":0}', "Limit must be positive"),
    "limit word": ('{"limit":"x"}', "limit"),
    "limit NaN": ('{"limit":NaN}', "not in valid JSON format"),
    "limit 1e400": ('{"limit":1e400}', "not in valid JSON format"),
    "limit 1e999999999": ('{"limit":1e999999999}', "not in valid JSON format"),
    "limit list": ('{"limit":[1]}', "malformed"),
    "number as marker": ('{"marker":1}', "marker"),
    "list as marker": ('{"marker":["x"]}', "marker"),
    "deep list": (f'{{"q":{nested("[", "]")}}}', "not in valid JSON format"),
    "deep object": (f'{{"q":{nested("{" + chr(34) + "a" + chr(34) + ":", "}")}}}', "not in valid"),
    "not UTF-8": (b'{"q":"\xe9"}', "not in valid JSON format"),
}

_BAD_SEGMENTS = {
    "nothing": ("", "by is mandatory"),
    "nine fields": ("&".join(f"by=metadata.{one}" for one in "abcdefghi"), "at most 8 by fields"),
    "a long path": (f"by=metadata.{'a.' * 501}", "at most 1000 characters"),
    "merge": ("by=unit&merge=all", "merge must be one of"),
    "absent": ("by=unit&absent=", "absent must be one of"),
    "max_gap": ("by=unit&max_gap=1e9", "max_gap must be"),
    "first": ("by=unit&first=1", "first must be one of"),
    "of samples": ("by=unit&q.field=volume&q.value=1", "only samples can be asked"),
    "another instant": ("by=unit&q.field=timestamp&q.op=ne&q.value=2015", "only samples can"),
    "a marker of samples": ("by=unit&marker=WzEsIngiXQ", "marker must be that of a next link"),
}

_STATISTICS_BODIES = {
    "groupby text": ('{"groupby":"user_id"}', "groupby"),
    "groupby number": ('{"groupby":[1]}', "groupby"),
    "groupby null": ('{"groupby":[null]}', "groupby"),
    "groupby surrogate": (f'{{"groupby":[{SURROGATE}]}}', "not in valid JSON format"),
    "aggregate null": ('{"aggregate":[null]}', "aggregate"),
    "aggregate empty": ('{"aggregate":[{}]}', "Invalid aggregation function"),
    "aggregate number": ('{"aggregate":[{"func":1}]}', "func"),
    "period 1e300": ('{"period":1e300}', "Invalid period"),
    "period Infinity": ('{"period":Infinity}', "not in valid JSON format"),
    "limit": ('{"limit":1}', "limit"),
}

_HARMLESS = {
    "metadata.$where": ("metadata.$where", "sleep(300)"),
    "metadata.a.$gt": ("metadata.a.$gt", "1"),
    "operator as value": ("metadata.a", "{'$ne': None}"),
    "a field as value": ("metadata.a", "$resource_id"),
    "SQL": ("resource", "'; DROP TABLE samples; --"),
    "NUL in value": ("resource", "\0"),
    "complex number": ("metadata.a", "1j"),
    "bytes": ("metadata.a", "b'x'"),
    "huge integer": ("metadata.a", "9" * 400),
    "5000 digits": ("metadata.a", "9" * 5000),
    "huge exponent": ("metadata.a", "1e999999999"),
    "5000 parentheses": ("metadata.a", "(" * 5000),
    "900 signs": ("metadata.a", "-" * 900 + "1"),
    "unhashable key": ("metadata.a", "{[]: 1}"),
    "surrogate in a literal": ("metadata.a", r"'\ud800'"),
    "call": ("metadata.a", "__import__('os').system('false')"),
}

_PARAMETERS_OF_NO_ONE = ("bogus", "offset", "sort", "limit[0]", "limit.x", "self", "call")

_IN_PLACE_OF_THE_PATH = {
    "/v2/samples/s-1": "sample_id=s-2",
    "/v2/resources/vm-1": "resource_id=vm-2",
    METER: "name=disk",
    STATISTICS: "name=disk",
    SAMPLES: "_method=delete",
    "/v2/resources/vm-2": "_method=delete",
}

_FORMS = {
    "bad limit": ("limit=0", "Limit must be positive"),
    "escape": ("limit=%ff", "not valid UTF-8"),
    "byte": (b"limit=\xff", "not valid UTF-8"),
    "unknown": ("bogus=1", "bogus"),
    "twice": ("limit=1&limit=2", "several times"),
    "ragged": ("q.field=user", "equally often"),
}

_TOO_MANY = "at most 65536 bytes"
_BOMBS = {
    "conditions": Stretched(b'{"q":[', b'{"field":"user","value":"x"},', b"{}]}"),
    "empty conditions": Stretched(b'{"q":[', b"{},", b"{}]}"),
    "keys": Stretched(b"{", b'"a":1,', b'"b":1}'),
    "value": Stretched(b'{"q":[{"field":"user","value":"', b"x", b'"}]}'),
}
_FORM_BOMBS = {
    "fields": Stretched(b"a=", b"&a=", b""),
    "conditions": Stretched(b"limit=1", b"&q.field=user&q.value=x", b""),
    "indices": Stretched(b"limit=1", b"&q[999999999].field=user", b""),
}


def _equal(field: str, value: str) -> str:
    return json.dumps({"=": {field: value}})


_LEAF = _equal("metadata.b", "1")
_BAD_FILTERS = {
    "not JSON": ("{", "Filter expression not valid"),
    "list": ("[]", "exactly one operator"),
    "two operators": ('{"=":{"meter":"a"},"!=":{"meter":"b"}}', "exactly one operator"),
    "JavaScript": ('{"$where":"sleep(300)"}', "unknown operator $where"),
    "operator of MongoDB": ('{"=":{"metadata.a":{"$ne":1}}}', "text, number or boolean"),
    "field of MongoDB": ('{"=":{"$where":"1"}}', "unknown field $where"),
    "list as value": ('{"=":{"meter":["a"]}}', "text, number or boolean"),
    "null": ('{"=":{"meter":null}}', "text, number or boolean"),
    "21 deep": ('{"not":' * 20 + '{"=":{"meter":"a"}}' + "}" * 20, "deeper than 20"),
    "10000 deep": (nested('{"not":', "}"), "Filter expression not valid"),
    "201 comparisons": (
        '{"or":[' + ",".join(['{"=":{"meter":"a"}}'] * 201) + "]}",
        "more than 200 comparisons",
    ),
    "5001 values": (json.dumps({"in": {"meter": ["a"] * 5001}}), "more than 5000 values"),
    "65537 characters": (_equal("meter", "x" * 65_536), "longer than 65536 characters"),
    "pattern of 257": ('{"=~":{"meter":"' + "a" * 257 + '"}}', "at most 256 characters"),
    "bad pattern": ('{"=~":{"meter":"("}}', "invalid regular expression"),
    "back-reference": (r'{"=~":{"meter":"(a)\\1"}}', "invalid regular expression"),
    "pattern of a gigabyte": (
        '{"=~":{"meter":"(((a{1000}){1000}){1000})"}}',
        "invalid regular expression",
    ),
    "21 patterns": (
        '{"or":[' + ",".join(['{"=~":{"meter":"a"}}'] * 21) + "]}",
        "more than 20 patterns",
    ),
    "bad instant": ('{">":{"timestamp":"now"}}', "timestamp"),
}
_HARMLESS_FILTERS = {
    "huge exponent": '{"=":{"volume":1e999999999}}',
    "pattern that explodes": r'{"=~":{"metadata.a":"^(a+)+$"}}',
    "dots and dollars": _equal("metadata.a.$gt", "1"),
    "value like an operator": _equal("metadata.a", "$ne"),
    "20 deep": '{"not":' * 18 + '{"or":[' + ",".join([_LEAF] * 2) + "]}" + "}" * 18,
}
_BAD_QUESTIONS = {
    "null": ("null", "body"),
    "list": ("[]", "body"),
    "unknown key": ('{"query":"x"}', "query"),
    "filter as an object": ('{"filter":{"=":{"meter":"a"}}}', "filter"),
    "limit zero": ('{"limit":0}', "Limit must be positive"),
    "limit object": ('{"limit":{}}', "limit"),
    "limit 1e400": ('{"limit":1e400}', "limit"),
    "limit of million lists": (Stretched(b'{"limit":[', b"[],", b"1]}"), "limit"),
    "limit of million digits": (Stretched(b'{"limit":', b"9", b"}"), "limit"),
    "orderby unknown": ('{"orderby":"[{\\"flavour\\":\\"asc\\"}]"}', "unknown field flavour"),
    "orderby sideways": ('{"orderby":"[{\\"timestamp\\":\\"up\\"}]"}', "neither asc nor desc"),
    "orderby deep": (json.dumps({"orderby": nested("[", "]")}), "Order-by"),
    "not UTF-8": (b'{"filter":"\xff"}', ""),
    "nothing": ("", "Missing argument"),
}


def attacks() -> Rows:
    """Every row."""
    yield from _parameters()
    yield from _conditions()
    yield from _values()
    yield from _statistics()
    yield from _segments()
    yield from _bodies()
    yield from _questions()


def _parameters() -> Rows:
    for path in LISTS:
        for name, (limit, words) in _BAD_LIMITS.items():
            yield f"{path}: limit: {name}", get(f"{path}?limit={quote(limit)}", 400, words)
        twice = "limit was given several times"
        yield f"{path}: limit: twice", get(f"{path}?limit=1&limit=2", 400, twice)
        for limit in ("10001", "99999999999999999999999"):  # is clamped
            yield f"{path}: limit: {limit}", get(f"{path}?limit={limit}", 200, "[{")
        for name, marker in _BAD_MARKERS.items():
            asked = f"{path}?marker={quote(marker)}"
            words = "marker must be that of a next link"
            yield f"{path}: marker: {name}", get(asked, 400, words)
    for path in _ALL:
        for name in _PARAMETERS_OF_NO_ONE:
            words = f'Unknown argument: "{name}"'
            yield f"{path}: unknown: {name}", get(f"{path}?{name}=1", 400, words)
    for path, query in _IN_PLACE_OF_THE_PATH.items():
        words = f'Unknown argument: "{query.partition("=")[0]}"'
        yield f"{path}: instead of the path", get(f"{path}?{query}", 400, words)


def _conditions() -> Rows:
    for path in _ALL:
        for name, query in _RAGGED.items():
            yield f"{path}: ragged: {name}", get(f"{path}?{query}", 400)
        for name, (query, words) in _BAD_CONDITIONS.items():
            yield f"{path}: condition: {name}", get(f"{path}?{query}", 400, words)
        for name, (field, value) in _HARMLESS.items():
            asked = f"{path}?q.field={quote(field)}&q.value={quote(value)}"
            yield f"{path}: harmless: {name}", get(asked, 200, "[]")
    for path in (SAMPLES, METER, STATISTICS, "/v2/resources"):
        for name, (query, words) in _BAD_OFFSETS.items():
            yield f"{path}: search_offset: {name}", get(f"{path}?{query}", 400, words)


def _values() -> Rows:
    for name, text in BAD_TIMES.items():
        value = str(json.loads(text))[:100]
        asked = f"{SAMPLES}?q.field=timestamp&q.value={quote(value)}"
        # A year is not bounded in a question, and an empty text is no bound.
        is_asked = value in {"", "1969-12-31T23:59:59.999", "9999-12-31"}
        row = get(asked, 200) if is_asked else get(asked, 400, "timestamp")
        yield f"{SAMPLES}: timestamp: {name}", row
    for name, value in _BAD_VOLUMES.items():
        asked = f"{SAMPLES}?q.field=volume&q.value={value}"
        yield f"{SAMPLES}: volume: {name}", get(asked, 400, "volume")


def _statistics() -> Rows:
    for name, (period, words) in _BAD_PERIODS.items():
        asked = f"{STATISTICS}?period={quote(period, safe='&=')}"
        yield f"period: {name}", get(asked, 400, words)
    for name, (query, words) in _BAD_WINDOWS.items():
        yield f"windows: {name}", get(f"{STATISTICS}?{query}", 400, words)
    filled = f"{STATISTICS}?interval=hour&fill=0&{_JUNE}&tz=Asia/Kathmandu"
    yield "windows: hours of a month", get(filled, 200, '"period":3600,')
    thirty_years = f"{STATISTICS}?period=1&q.field=timestamp&q.op=ge&q.value=1985"
    yield "period: seconds of thirty years", get(thirty_years, 200, '"period":1,')
    for name in _BAD_GROUPS:
        asked = f"{STATISTICS}?groupby={quote(name)}"
        yield f"groupby: {name}", get(asked, 400, "Invalid groupby fields")
    for name, (query, words) in _BAD_AGGREGATES.items():
        yield f"aggregate: {name}", get(f"{STATISTICS}?{query}", 400, words)
    for name, (body, words) in _STATISTICS_BODIES.items():
        yield f"statistics in a body: {name}", get(STATISTICS, 400, words, body)


def _segments() -> Rows:
    for name in _BAD_GROUPS:
        yield f"by: {name}", get(f"{SEGMENTS}?by={quote(name)}", 400, "Invalid by fields")
    for name, (query, words) in _BAD_SEGMENTS.items():
        yield f"segments: {name}", get(f"{SEGMENTS}?{query}", 400, words)


def _bodies() -> Rows:
    for path in LISTS:
        for name, (body, words) in _GET_BODIES.items():
            yield f"{path}: body: {name}", get(path, 400, words, body)
    for path in _ALL:
        for name, bomb in _BOMBS.items():
            yield f"{path}: bomb: {name}", get(path, 413, _TOO_MANY, bomb)
        for name, bomb in _FORM_BOMBS.items():
            yield f"{path}: bomb in a form: {name}", get(path, 413, _TOO_MANY, bomb, FORM)
    for name, (body, words) in _FORMS.items():
        yield f"{SAMPLES}: form: {name}", get(SAMPLES, 400, words, body, FORM)
    digits = Stretched(b"q.field=metadata.a&q.value=", b"1", b"x", 60_000)
    yield f"{SAMPLES}: form: nearly a number", get(SAMPLES, 200, "[]", digits, FORM)
    typed = Stretched(b"q.field=metadata.a&q.type=float&q.value=", b"1", b"x", 60_000)
    words = "expected data type float"
    yield f"{SAMPLES}: form: nearly a float", get(SAMPLES, 400, words, typed, FORM)
    twice = get(f"{SAMPLES}?limit=1", 400, "limit was given several times", '{"limit": 2}')
    yield f"{SAMPLES}: limit in URL and body", twice


def _questions() -> Rows:
    for name, (text, words) in _BAD_FILTERS.items():
        body = json.dumps({"filter": text})
        yield f"filter: {name}", post(_QUERY, 400, words, body)
    for name, text in _HARMLESS_FILTERS.items():
        yield f"filter: harmless: {name}", post(_QUERY, 200, "[]", json.dumps({"filter": text}))
    for name, (body, words) in _BAD_QUESTIONS.items():
        yield f"question: {name}", post(_QUERY, 400, words, body)
    bomb = Stretched(b'{"filter":"', b"[", b'"}')
    yield "question: filter of 8 MB", post(_QUERY, 400, "longer than 65536", bomb)
