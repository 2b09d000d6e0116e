"""A store that is away: 503 within seconds, and no restart when it is back."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from e2e.processes import Service, configuration, manage, metering_api, until, uwsgi
from e2e.stores import stored_ids
from e2e.web import Answer, get, post, sample
from mongod import ReplicaSet

SECONDS_OF_A_QUESTION = 9
SECONDS_OF_A_SAMPLE = 12
SECONDS_TO_RECOVER = 20


def timed(ask: Callable[[], Answer]) -> tuple[Answer, float]:
    """The answer, and the seconds until it came."""
    begin = time.monotonic()
    return ask(), time.monotonic() - begin


def refusals(services: list[Service], name: str) -> list[str]:
    """What both services say to a question and to a sample, all at once, each in time."""
    with ThreadPoolExecutor() as pool:
        asked = [
            pool.submit(timed, lambda at=one.address: get(at, "/v2/meters")) for one in services
        ]
        sent = [
            pool.submit(timed, lambda at=one.address: post(at, [sample(name)])) for one in services
        ]
        answers = [one.result() for one in (*asked, *sent)]
    assert [answer.status for answer, _ in answers] == [503] * len(answers)
    assert max(seconds for _, seconds in answers[: len(asked)]) < SECONDS_OF_A_QUESTION
    assert max(seconds for _, seconds in answers[len(asked) :]) < SECONDS_OF_A_SAMPLE
    return [answer.fault for answer, _ in answers]


def stores(service: Service, name: str) -> bool:
    """Whether the sample is taken."""
    return post(service.address, [sample(name)]).status == 201


def test_it_starts_without_mongodb_and_recovers_by_itself(tmp_path: Path) -> None:
    """Away at the start, and later frozen: 503 in the one shape, then 2xx without a restart.

    The database was never prepared; metering-api does so when it comes.
    """
    with ReplicaSet() as servers:
        mongod, url = servers.members[0], servers.url()
        mongod.kill()
        file = str(configuration(tmp_path, url))
        environ = {"METERING_CONFIG_FILE": file}
        with metering_api(tmp_path, **environ) as small, uwsgi(tmp_path, **environ) as large:
            said = refusals([small, large], "away")
            mongod.restart()
            until(lambda: "and prepared" in small.log, "prepared", SECONDS_TO_RECOVER)
            for name, one in (("back-1", small), ("back-2", large)):
                until(lambda one=one, n=name: stores(one, n), name, SECONDS_TO_RECOVER)
            mongod.freeze()
            said += refusals([small, large], "frozen")
            mongod.resume()
            for name, one in (("resumed-1", small), ("resumed-2", large)):
                until(lambda one=one, n=name: stores(one, n), name, SECONDS_TO_RECOVER)

        expected = {"MongoDB did not answer or did not confirm"}
        assert {text.partition(" (")[0] for text in said} == expected
        assert {"back-1", "back-2", "resumed-1", "resumed-2"} <= set(stored_ids(url))
        assert manage(url, "check").returncode == 0


def test_a_folder_that_is_mounted_late_is_used(tmp_path: Path) -> None:
    """The same for an SQLite file whose folder is missing at first."""
    folder = tmp_path / "late"
    with metering_api(tmp_path, "--connection", f"sqlite:///{folder}/metering.db") as service:
        early = post(service.address, [sample("early")])
        folder.mkdir()
        until(lambda: stores(service, "late"), "it is prepared")

    assert early.status == 503
