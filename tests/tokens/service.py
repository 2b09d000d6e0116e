"""The service beside a Keystone, and how one asks it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from e2e.processes import Service, configuration, manage, metering_api, uwsgi
from e2e.web import sample
from tokens.keystone import Keystone

_SECONDS = 60
_AUTHTOKEN = {
    "auth_type": "password",
    "username": "ceilometer",
    "password": "pw-of-ceilometer",
    "user_domain_id": "default",
    "project_name": "service",
    "project_domain_id": "default",
    "service_type": "metering",
    "service_token_roles_required": True,
    # For as long, a token that was revoked goes on; the least that can be set.
    "token_cache_time": 1,
}


@dataclass(frozen=True)
class Metering:
    """A running service."""

    service: Service

    @property
    def address(self) -> str:
        """Host and port."""
        return self.service.address

    def get(self, path: str, token: str | None, **headers: str) -> requests.Response:
        """Ask, with a token or none."""
        return self._send("GET", path, token, headers)

    def post(self, path: str, token: str | None, *samples: dict[str, Any]) -> requests.Response:
        """Record samples."""
        return self._send("POST", path, token, {}, json=list(samples))

    def _send(
        self, method: str, path: str, token: str | None, headers: dict[str, str], **rest: Any
    ) -> requests.Response:
        sent = ({"X-Auth-Token": token} if token else {}) | headers
        url = f"http://{self.address}{path}"
        return requests.request(method, url, headers=sent, timeout=_SECONDS, **rest)


@contextmanager
def metering(
    folder: Path, keystone: Keystone, kind: str = "metering-api", **authtoken: object
) -> Iterator[Metering]:
    """The service, with changes to the options that ask Keystone."""
    url = f"sqlite:///{folder}/metering.db"
    file = configuration(folder, url, auth="keystone", insecure=False)
    options = {"auth_url": keystone.url, "www_authenticate_uri": keystone.url, **_AUTHTOKEN}
    lines = [f"{name} = {value}" for name, value in (options | authtoken).items()]
    with file.open("a", encoding="utf-8") as opened:
        print("[log]\nlevel = DEBUG\n[keystone_authtoken]", *lines, sep="\n", file=opened)
    assert manage(url, "prepare").returncode == 0
    start = {"metering-api": metering_api, "uwsgi": uwsgi}[kind]
    with start(folder, METERING_CONFIG_FILE=str(file)) as service:
        yield Metering(service)


def sample_of(project_id: str | None, name: str) -> dict[str, Any]:
    """A sample of a project, under that id."""
    return sample(name, project_id=project_id, resource_id=f"r-{name}")


def fault(response: requests.Response) -> str:
    """The text of an error in the one shape that errors have."""
    assert response.headers["Content-Type"] == "application/json"
    assert list(response.json()) == ["error_message"], response.text
    error = response.json()["error_message"]
    assert set(error) == {"faultcode", "faultstring", "debuginfo"}
    text: str = error["faultstring"]
    return text
