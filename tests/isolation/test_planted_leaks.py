"""The proof that the search can find something: what leaks in one thing only is found out."""

from contextlib import nullcontext
from typing import Any

import pytest
from contract.planted import (
    ExtentsOfEveryone,
    SharedIds,
    UnscopedExtents,
    UnscopedSamples,
    UnscopedSummaries,
)
from isolation import leaky
from isolation.effort import ALL, REPEATED
from isolation.searching import search, search_after_writing
from isolation.tenants import VOLUME, canaries, foreign, marked, own
from isolation.twins import Auth, Twins, by_headers

from metering.storage.memory import MemoryStorage

SAMPLES = ["GET /v2/samples", "GET /v2/meters/{meter}"]
SAMPLE, QUERY = "GET /v2/samples/{sample_id}", "POST /v2/query/samples"
METERS, RESOURCES = "GET /v2/meters", "GET /v2/resources"
DIMENSIONS = ["GET /v2/dimensions", "GET /v2/dimensions/{name}/values"]
DIRECTORY = ["GET /v2/projects", "GET /v2/users", "GET /v2/sources"]
SEGMENTS = "GET /v2/meters/{meter}/segments"
RESOURCE, STATISTICS = "GET /v2/resources/{resource_id}", "GET /v2/meters/{meter}/statistics"
REVISIONS = "GET /v2/revisions"

# Where each leak shows.
READING: dict[type[MemoryStorage], list[str]] = {
    UnscopedSamples: [*SAMPLES, SAMPLE, QUERY],
    UnscopedExtents: [METERS, RESOURCES, RESOURCE, *DIMENSIONS, *DIRECTORY, REVISIONS],
    UnscopedSummaries: [STATISTICS],
    ExtentsOfEveryone: [RESOURCES, RESOURCE, *DIRECTORY],
    leaky.UnscopedById: [SAMPLE],
    leaky.UnscopedPages: SAMPLES,
    leaky.CountsOthers: [*SAMPLES, QUERY],
    leaky.TellsWhatIsHidden: [*SAMPLES, SAMPLE, QUERY],
    leaky.UnscopedResources: [RESOURCE, REVISIONS],
    leaky.UnscopedBeginning: [STATISTICS],
    leaky.UnscopedPeriods: [STATISTICS],
    leaky.UnscopedCalendar: [STATISTICS],
    leaky.UnscopedTotals: [STATISTICS],
    leaky.UnscopedStreams: [SEGMENTS],
    leaky.SharedByAll: [*SAMPLES, SAMPLE, QUERY],
}
WRITING = [SharedIds, leaky.TakesResourcesOver, leaky.ForgetsOthers]
BY_NAME = {one.name: one for one in ALL}


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Auth:
    """Callers as a proxy passes them on."""
    return by_headers(tmp_path_factory.mktemp("auth"))


def twins_of(auth: Auth, kind: type[MemoryStorage], **rest: Any) -> Twins:
    """Twins over two stores of the class."""
    return Twins(auth, kind(), kind(), **rest)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        pytest.param(kind, name, id=f"{kind.__name__} {name}")
        for kind, names in READING.items()
        for name in names
    ],
)
def test_leak_is_found(proxied: Auth, kind: type[MemoryStorage], name: str) -> None:
    """A store that leaks gives itself away in each of these operations."""
    twins = twins_of(proxied, kind)

    with pytest.raises(AssertionError):
        search(twins, BY_NAME[name], REPEATED)


@pytest.mark.parametrize("kind", WRITING)
def test_harm_is_found(proxied: Auth, kind: type[MemoryStorage]) -> None:
    """So does one that tells of others, or harms them, when something is written."""
    with pytest.raises(AssertionError):
        search_after_writing(proxied, lambda: nullcontext(kind()), ALL, REPEATED)


def test_header_is_found(proxied: Auth) -> None:
    """A count in a header is one too many."""
    twins = twins_of(proxied, MemoryStorage, around=leaky.CountsInHeader)

    with pytest.raises(AssertionError):
        search(twins, BY_NAME["GET /v2/capabilities"], REPEATED)


def test_public_name_is_found(proxied: Auth) -> None:
    """A name of a tenant in what everybody may ask is found."""
    named = leaky.NamesTheCaller
    twins = twins_of(proxied, MemoryStorage, around=named)

    assert {"p-a"} == twins.names_of_tenants_in_public()


@pytest.mark.parametrize(
    "text", [marked("x"), f'"{VOLUME}.5"', "enEtdXNlci1xeiAg", "aaa enEteC1xeis/"]
)
def test_canaries_are_seen(text: str) -> None:
    """As they are, as numbers, and inside base64."""
    assert canaries(text)


def test_own_samples_have_no_canaries() -> None:
    """What is the caller's own gives no alarm."""
    assert set() == canaries(repr(own()))
    assert len(foreign()) > len(own())
