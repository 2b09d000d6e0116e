"""`[api] auth = keys`: a request carries one of the keys that `metering-manage key` made."""

import base64
import binascii

from metering.api.callers.identity import Environ, Identity, header
from metering.config import ApiConfig
from metering.errors import Misconfigured, Unauthenticated
from metering.keys import KeyFile

CHALLENGE = 'Bearer realm="metering", Basic realm="metering", charset="UTF-8"'


class ApiKeys:
    """Knows callers by their keys.

    A key is sent as `X-Auth-Token`, else as `Authorization: Bearer`, else as the password of
    Basic, which is all that Ceilometer's agents can do. The user name of Basic is not looked at:
    the key says whose it is.
    """

    def __init__(self, api: ApiConfig) -> None:
        """Look at the file, so that a misspelt path is found at the start.

        Raises:
            Misconfigured: there is no file of keys.
        """
        if not api.keys_file:
            raise Misconfigured("auth = keys needs [api] keys_file", field="[api] keys_file")
        self._keys = KeyFile(api.keys_file)
        self._keys.list()

    def __call__(self, environ: Environ) -> Identity:
        """Whose key it is.

        Raises:
            Unauthenticated: there is none, or it is no key; which, is not said.
            Misconfigured: the file of keys is not there now; where it should be, is for the log.
        """
        try:
            key = self._keys.find(_sent_key(environ))
        except Misconfigured as error:
            raise Misconfigured("API keys cannot be checked now") from error
        if key is None:
            raise Unauthenticated("a valid API key is required", challenge=CHALLENGE)
        return Identity(project_id=key.project, user_id=key.user, roles=key.roles)


def _sent_key(environ: Environ) -> str:
    """The text of the key, or an empty one, which is nobody's."""
    token = header(environ, "X-Auth-Token").strip(" ")
    if token:
        return token
    scheme, _, credentials = header(environ, "Authorization").strip(" ").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip(" ")
    if scheme.lower() == "basic":
        return _password(credentials.strip(" "))
    return ""


def _password(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[2]
