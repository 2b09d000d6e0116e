"""`explain`: what an answer took, in a header, for administrators."""

from collections.abc import Mapping

from metering.api.scope import Caller
from metering.errors import Forbidden
from metering.storage.base import Effort


def check_may_explain(caller: Caller, *, explain: bool) -> None:
    """Refuse a caller who asks for it and is no administrator.

    Raises:
        Forbidden: figures of effort tell of samples of others.
    """
    if explain and not caller.is_admin:
        raise Forbidden("explain is for administrators")


def effort_headers(effort: Effort, *, explain: bool) -> Mapping[str, str]:
    """The header, a dictionary (RFC 9651), if it was asked for."""
    if not explain:
        return {}
    told = f"tracks={effort.series}, pieces={effort.pieces}, samples={effort.samples}"
    return {"Metering-Effort": told}
