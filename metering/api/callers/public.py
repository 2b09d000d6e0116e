"""What everybody may ask, without saying who asks: nothing of a tenant."""

from collections.abc import Mapping

_PATHS = frozenset({"", "/", "/metrics", "/v2/openapi.json"})
_BELOW = "/healthz/"


def is_public(environ: Mapping[str, object]) -> bool:
    """Whether the request needs no credentials; what it says of its caller is not looked at."""
    path = str(environ.get("PATH_INFO") or "")
    return path in _PATHS or path.startswith(_BELOW)
