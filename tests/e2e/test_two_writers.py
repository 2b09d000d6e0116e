"""Two metering-api processes that write into one SQLite file at the same time."""

import threading
from pathlib import Path

from e2e.processes import metering_api
from e2e.stores import stored_ids
from e2e.web import count, post, sample

REQUESTS = 20
SAMPLES = 10


def test_the_same_samples_posted_to_both_at_once_count_once(
    tmp_path: Path, sqlite_url: str
) -> None:
    """Four threads post the same batches, two to each process; all are 201, each id is one."""
    statuses: list[int] = []

    def write(address: str) -> None:
        for number in range(REQUESTS):
            batch = [sample(f"{number}-{i}") for i in range(SAMPLES)]
            statuses.append(post(address, batch).status)

    arguments = ("--connection", sqlite_url)
    with metering_api(tmp_path, *arguments) as one, metering_api(tmp_path, *arguments) as other:
        addresses = [one.address, other.address] * 2
        threads = [threading.Thread(target=write, args=[address]) for address in addresses]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        counted = count(one.address), count(other.address)

    assert statuses == [201] * 4 * REQUESTS
    assert counted == (REQUESTS * SAMPLES, REQUESTS * SAMPLES)
    assert len(set(stored_ids(sqlite_url))) == REQUESTS * SAMPLES
