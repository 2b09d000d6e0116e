"""Who a request comes from, once that is proven; what this caller may do is for the rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Environ = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A caller whose word was checked. `system_scope` is Keystone's: `all`, or None."""

    project_id: str | None = None
    user_id: str | None = None
    roles: tuple[str, ...] = ()
    system_scope: str | None = None


# Raises Unauthenticated, Unauthorized or Forbidden for a request of nobody who may call.
Identify = Callable[[Environ], Identity]


def header(environ: Environ, name: str) -> str:
    """A header as text, empty if it is not there: WSGI gives bytes as Latin-1, clients UTF-8."""
    sent = environ.get(f"HTTP_{name.upper().replace('-', '_')}")
    return str(sent or "").encode("latin-1").decode("utf-8", "replace")
