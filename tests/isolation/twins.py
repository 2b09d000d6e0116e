"""Two applications: over the samples of all, and over those of the caller alone.

Whatever the caller asks, both must answer the same, to the letter. And since a fault of the
process (something kept for all stores) would show in both, no word of others may stand in an
answer that did not stand in the question.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from api.client import Client, v2_sample
from isolation.fixed import IDS
from isolation.questions import Question
from isolation.tenants import FOREIGN, OWN, VOLUME, canaries, foreign, marked, own
from isolation.values import IDEMPOTENCY_KEYS, IDS_WRITTEN
from webtest import TestResponse

from metering.api.app import make_app
from metering.config import Config, load
from metering.keys import KeyFile
from metering.storage.base import Storage

Application = Any

_SECONDS = re.compile(r"^metering_http_request_duration_seconds.*\n", re.MULTILINE)
# Of usage: a window may end now.
_MOMENTS = re.compile(r'"window":{[^}]*},"as_of":"[^"]*"|<window>.*</as_of>', re.DOTALL)
_VIEW = (
    *(f"/v2/{noun}?limit=9999" for noun in ("meters", "resources", "samples", "meters/cpu")),
    "/v2/meters/cpu/statistics?groupby=resource_id&period=60",
    "/v2/usage?window=2015-06&groupby=resource_id",
    "/v2/meters/cpu/segments?by=user_id&by=metadata.kind",
    *("/v2/dimensions", "/v2/dimensions/source/values", "/v2/projects", "/v2/users", "/v2/sources"),
)
_PUBLIC = ("/", "/healthz/live", "/healthz/ready", "/metrics", "/v2/openapi.json")
_OWN_NAMES = re.compile(rf"\b{OWN}\b|\bvm-[0-9]\b|\bu-[0-9]\b|\bs-[0-9]\b")
_WRITTEN = (HTTPStatus.CREATED, HTTPStatus.MULTI_STATUS)
_OF_EACH_REQUEST = "x-openstack-request-id"


@dataclass(frozen=True)
class Auth:
    """A configuration in which callers are known, and what the two projects send to be so."""

    config: Config
    own: Mapping[str, str]
    foreign: Mapping[str, str]


def by_headers(folder: Path) -> Auth:
    """A proxy says who calls: its headers are those that count."""
    del folder
    headers = [
        {"X-Project-Id": name, "X-User-Id": "u-1", "X-Roles": "member"} for name in (OWN, FOREIGN)
    ]
    return Auth(load(overrides=[("api", "auth", "headers")]), *headers)


def by_keys(folder: Path) -> Auth:
    """A key says who calls."""
    path = str(folder / "keys.json")
    made = KeyFile(path)
    texts = [
        made.create(project=name, user="u-1", roles=["member"], note="")[1]
        for name in (OWN, FOREIGN)
    ]
    config = load(overrides=[("api", "auth", "keys"), ("api", "keys_file", path)])
    return Auth(config, *({"X-Auth-Token": text} for text in texts))


@dataclass
class Twins:
    """Both applications, with their stores, as the caller meets them."""

    auth: Auth
    shared: Storage
    alone: Storage
    around: Callable[[Application, Storage], Application] = lambda application, _: application
    asked: int = 0

    def __post_init__(self) -> None:
        self._written: set[str] = set()
        self.shared.record([*own(), *foreign()], atomic=False)
        self.alone.record(own(), atomic=False)
        self._let_another_post()
        self._clients = [
            Client(self.around(make_app(self.auth.config, storage), storage))
            for storage in (self.shared, self.alone)
        ]

    def _let_another_post(self) -> None:
        """Another project takes, by the service, the ids that the caller will want."""
        client = Client(make_app(self.auth.config, self.shared), self.auth.foreign)
        sample = v2_sample(project_id=None, counter_volume=VOLUME, resource_id=marked("posted"))
        posts = [([sample | {"message_id": name} for name in IDS_WRITTEN], {})]
        posts += [([sample] * 4, {"Idempotency-Key": key}) for key in IDEMPOTENCY_KEYS]
        for samples, headers in posts:
            response = client.post("/v2/samples", samples, headers=headers)
            if response.status_int != HTTPStatus.CREATED:
                raise ValueError(response.text)

    def ask(self, question: Question) -> TestResponse:
        """The answer of both, which must be one, and must have nothing of others."""
        self.asked += 1
        answers = [self._answer(client, question) for client in self._clients]
        with_others, without = map(shown, answers)
        assert without == with_others, question
        sent = canaries(f"{question.text} {question.url}")
        assert canaries(with_others) <= sent | self._written, question
        if answers[0].status_int in _WRITTEN:
            self._written |= sent  # words of others that the caller has taken for its own samples
        return answers[0]

    def view_of_others(self) -> list[str]:
        """What another project is shown of everything."""
        client = Client(make_app(self.auth.config, self.shared), self.auth.foreign)
        return [shown(client.get(path)) for path in _VIEW]

    def names_of_tenants_in_public(self) -> set[str]:
        """Which names stand in what everybody may ask of the application that was asked."""
        client = self._clients[0]
        texts = [shown(client.get(path)) for path in _PUBLIC]
        return {name for text in texts for name in {*canaries(text), *_OWN_NAMES.findall(text)}}

    def _answer(self, client: Client, question: Question) -> TestResponse:
        IDS.begin(self.asked)
        return client.request(
            question.method,
            question.url,
            question.body,
            content_type=question.content_type,
            headers={**dict(question.headers), **self.auth.own},
        )


def shown(response: TestResponse) -> str:
    """All of an answer that a client sees, without what differs in each."""
    lines = sorted(
        f"{name}: {value}"
        for name, value in response.headers.items()
        if name.lower() not in (_OF_EACH_REQUEST, "content-length")
    )
    text = _MOMENTS.sub("", _SECONDS.sub("", response.text))
    return "\n".join([response.status, *lines, "", text])


@contextmanager
def opened(auth: Auth, fresh: Callable[[], AbstractContextManager[Storage]]) -> Iterator[Twins]:
    """Twins over two fresh stores."""
    with fresh() as shared, fresh() as alone:
        yield Twins(auth, shared, alone)
