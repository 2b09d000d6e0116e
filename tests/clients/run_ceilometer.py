"""Runs python-ceilometerclient where it is installed: questions in, answers out, a JSON line each.

`{"command": [...]}` is what follows `ceilometer` on a command line. `{"transport": ..., "endpoint":
..., "manager": ..., "method": ..., "arguments": {...}}` calls the Python API. An answer also names
the requests that were sent: method, URL without the host, status.

One patch: on Python 3 the client cannot print `statistics --groupby` where a period has two
groups, since PrettyTable sorts rows whose first cells are equal by the next ones, and these are
dicts. Here rows are sorted by the first cell alone.
"""

import contextlib
import io
import json
import sys

import prettytable
import requests
from ceilometerclient import shell
from ceilometerclient.client import get_client
from keystoneauth1 import noauth, session, token_endpoint

TOKEN = "a-token"  # noqa: S105 - nobody checks it

sent = []
_send = requests.Session.send
_get_string = prettytable.PrettyTable.get_string


def record(self, request, **options):  # noqa: ANN001, ANN003, ANN201 - as requests has it
    """Send a request, and remember it."""
    response = _send(self, request, **options)
    sent.append([request.method, request.path_url, response.status_code])
    return response


def sort_by_first_cell(self, **options):  # noqa: ANN001, ANN003, ANN201 - as PrettyTable has it
    """Draw a table whose rows keep their order where their first cells are equal."""
    return _get_string(self, sort_key=lambda row: row[0], **options)


def run(command: list[str]) -> dict:
    """What a command prints, and how it ends."""
    out, error, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            shell.main(command)
        except SystemExit as end:
            code = end.code
    return {"code": code, "out": out.getvalue(), "error": error.getvalue()}


def make_client(transport: str, endpoint: str):  # noqa: ANN201 - the client has no types
    """A client that reaches the endpoint in one of the ways that need no Keystone."""
    if transport == "token":
        return get_client("2", os_endpoint=endpoint, os_token=TOKEN)
    plugin = {
        "session": lambda: token_endpoint.Token(endpoint, TOKEN),
        "noauth": lambda: noauth.NoAuth(endpoint=endpoint),
    }[transport]()
    return get_client("2", session=session.Session(auth=plugin, timeout=30))


def call(transport: str, endpoint: str, manager: str, method: str, arguments: dict) -> dict:
    """What a method of the Python API gives: rows, a row, or the error that it raises."""
    try:
        client = make_client(transport, endpoint)
        found = getattr(getattr(client, manager), method)(**arguments)
    except Exception as error:  # noqa: BLE001 - whatever the client raises is its answer
        return {"error": type(error).__name__, "text": str(error)}
    return {"value": [one.to_dict() for one in found] if isinstance(found, list) else plain(found)}


def plain(found):  # noqa: ANN001, ANN201 - the client has no types
    """One row, or None."""
    return None if found is None else found.to_dict()


def main() -> None:
    """Answer until the input ends."""
    requests.Session.send = record
    prettytable.PrettyTable.get_string = sort_by_first_cell
    for line in sys.stdin:
        question = json.loads(line)
        sent.clear()
        answer = run(question["command"]) if "command" in question else call(**question)
        sys.stdout.write(json.dumps({**answer, "sent": sent}) + "\n")
        sys.stdout.flush()


main()
