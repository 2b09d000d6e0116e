"""The log: lines for people or for programs, and no secret in either."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest

from metering.api.exchange.request_id import current
from metering.cmd.logs import JsonFormatter, TextFormatter, mask, set_up_logging
from metering.config import LogConfig

NASTY = "a\nb\r\x1b[31m\x00\x7f\x85\u2028é\ud800"


@contextmanager
def set_up(config: LogConfig) -> Iterator[None]:
    """Set up logging as in a process of its own; afterwards all loggers are as they were."""
    kept = {name: logging.getLogger(name).level for name in ("root", "metering", "pecan")}
    handlers = logging.root.handlers[:]
    logging.root.handlers[:] = []
    set_up_logging(config)
    yield
    logging.root.handlers[:] = handlers
    for name, level in kept.items():
        logging.getLogger(name).setLevel(level)


def record(message: str, *arguments: object, **more: Any) -> logging.LogRecord:
    """A record of the log, as our filter leaves it."""
    made = logging.LogRecord("metering.x", logging.INFO, "x.py", 1, message, arguments, None)
    vars(made).update({"request_id": "req-1"} | more)
    return made


def failed(message: str) -> Any:
    """What logging is given for an error that was raised."""
    with pytest.raises(LookupError) as caught:
        raise LookupError(message)
    return caught.type, caught.value, caught.tb


def test_json_has_every_part_by_name() -> None:
    """One object; the time is UTC with milliseconds."""
    made = record("%s of %d", "one", 2, created=1760000000.25, process=7)

    assert json.loads(JsonFormatter().format(made)) == {
        "time": "2025-10-09T08:53:20.250Z",
        "level": "INFO",
        "logger": "metering.x",
        "process": 7,
        "request_id": "req-1",
        "message": "one of 2",
    }
    assert datetime.fromisoformat("2025-10-09T08:53:20.250Z").timestamp() == made.created


def test_json_has_the_fields_and_the_exception() -> None:
    """Fields stand beside the rest, a traceback in one of them."""
    made = record("x", fields={"route": "/", "status": 200}, exc_info=failed("why"))
    event = json.loads(JsonFormatter().format(made))

    assert ("/", 200) == (event["route"], event["status"])
    assert event["exception"].startswith("Traceback (most recent call last):\n")
    assert event["exception"].endswith("LookupError: why")


def test_json_is_one_line_of_plain_characters() -> None:
    """Whatever stands in a message, a field or an exception."""
    made = record(NASTY, fields={"project": NASTY}, exc_info=failed(NASTY))
    line = JsonFormatter().format(made)
    event = json.loads(line)

    assert line.isascii()
    assert line.isprintable()
    assert [NASTY, NASTY] == [event["message"], event["project"]]


def test_text_cannot_forge_a_line() -> None:
    """Control characters are escaped, and what follows the first line is indented."""
    made = record(NASTY, exc_info=failed("first\n2026-01-01 00:00:00,000 7 INFO forged"))
    first, *rest = TextFormatter().format(made).split("\n")

    assert first.endswith(r"INFO metering.x [req-1] a\nb\r\x1b[31m\x00\x7f\x85\u2028é\ud800")
    assert rest != []
    assert [line for line in rest if not line.startswith("    ")] == []


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("mongodb://me:s3cr3t@db/metering", "mongodb://***@db/metering"),
        ("mongodb://me:s3c/r@et@db/m, rest", "mongodb://***@db/m, rest"),
        ("http://localhost:8777/v2/meters", "http://localhost:8777/v2/meters"),
        ("X-Auth-Token: s3cr3t, rest", "X-Auth-Token: ***, rest"),
        ("{'X-Subject-Token': 's3cr3t', 'a': 1}", "{'X-Subject-Token': '***', 'a': 1}"),
        ("('HTTP_X_AUTH_TOKEN', 's3cr3t')", "('HTTP_X_AUTH_TOKEN', '***')"),
        ("Authorization: Basic czNjcjN0 rest", "Authorization: *** rest"),
        ('"authorization": "bearer s3cr3t"', '"authorization": "***"'),
        ("HTTP_IDEMPOTENCY_KEY=s3cr3t", "HTTP_IDEMPOTENCY_KEY=***"),
        ("password=s3cr3t&x=1", "password=***"),
        ("a user name or password is not valid", "a user name or password is not valid"),
    ],
)
def test_secrets_are_masked(text: str, masked: str) -> None:
    """What stands behind a name of a secret, or in a URL, is not for the log."""
    assert masked == mask(text)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_secrets_are_masked_everywhere(formatter: logging.Formatter) -> None:
    """In messages, their arguments and tracebacks."""
    url = "mongodb://me:s3cr3t@db/m"
    line = formatter.format(record(f"{url} %s", url, exc_info=failed(url)))

    assert (3, False) == (line.count("mongodb://***@db/m"), "s3cr3t" in line)


def test_masking_takes_no_time_on_long_texts() -> None:
    """A text that looks like a URL over and over is no burden."""
    text = "//a:" * 20_000

    assert text == mask(text)


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [("DEBUG", "DEBUG", "INFO"), ("INFO", "INFO", "INFO"), ("ERROR", "ERROR", "ERROR")],
)
def test_level_is_ours(level: str, ours: str, theirs: str) -> None:
    """Libraries never log below INFO: a driver of a database would show what it sends."""
    with set_up(LogConfig(format="text", level=level)):
        levels = [logging.getLogger(name).getEffectiveLevel() for name in ("metering.x", "pymongo")]

    assert [ours, theirs] == [logging.getLevelName(one) for one in levels]


def test_format_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON where it is configured, with the id of the request."""
    with set_up(LogConfig(format="json", level="INFO")):
        logging.getLogger("metering.x").info("here")

    event = json.loads(capsys.readouterr().err)
    assert (current(), "here") == (event["request_id"], event["message"])
