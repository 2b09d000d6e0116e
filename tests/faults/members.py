"""What is done to the members of a replica set, from outside and by MongoDB's own fail points."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from e2e.processes import until
from mongod import Member, ReplicaSet

_STOP = "stopReplProducer"
# Who has to undo writes while clients go on was seen to need more than one minute.
_WHOLE_SECONDS = 180


@contextmanager
def lagging(members: list[Member]) -> Iterator[None]:
    """During the block the members fetch nothing more from the one they follow."""
    for member in members:
        _switch(member, "alwaysOn")
    # A batch that is already on its way still arrives; each member says when it stands still.
    try:
        for member in members:
            _command(member, {"waitForFailPoint": _STOP, "timesEntered": 1, "maxTimeMS": 20_000})
        yield
    finally:
        for member in members:
            _switch(member, "off")


def secondaries(servers: ReplicaSet, primary: Member) -> list[Member]:
    """All members but the primary."""
    return [one for one in servers.members if one is not primary]


def until_another_leads(servers: ReplicaSet, than: Member) -> float:
    """Return when another member than this one is primary; how many seconds that took."""
    others, begin = secondaries(servers, than), time.monotonic()
    until(lambda: any(one.hello().get("isWritablePrimary") for one in others), "another primary")
    return time.monotonic() - begin


def until_whole(servers: ReplicaSet) -> None:
    """Return when there is one primary, and every other member has what it wrote.

    A member that was killed as primary says for a while that it is secondary, and then finds that
    it has to undo writes. While it does, the others cannot do without each other.
    """
    until(lambda: _is_whole(servers), "the set is whole", _WHOLE_SECONDS)


def _is_whole(servers: ReplicaSet) -> bool:
    said = [one.hello() for one in servers.members]
    roles = Counter(_role(hello) for hello in said)
    return roles == {"primary": 1, "secondary": len(said) - 1} and len(set(map(_term, said))) == 1


def _role(hello: Mapping[str, Any]) -> str:
    if hello.get("isWritablePrimary"):
        return "primary"
    return "secondary" if hello.get("secondary") else "neither"


def _term(hello: Mapping[str, Any]) -> int:
    """The term of the election whose primary wrote the last that the member has."""
    return int(hello["lastWrite"]["opTime"]["t"])


def _switch(member: Member, mode: str) -> None:
    _command(member, {"configureFailPoint": _STOP, "mode": mode})


def _command(member: Member, command: dict[str, object]) -> None:
    with member.client() as client:
        client.admin.command(command)
