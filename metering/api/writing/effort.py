"""`explain`: what an answer took, in a header."""

from collections.abc import Mapping

from metering.storage.base import Effort


def effort_headers(effort: Effort, *, explain: bool) -> Mapping[str, str]:
    """The header, a dictionary (RFC 9651), if it was asked for."""
    if not explain:
        return {}
    told = f"tracks={effort.tracks}, pieces={effort.pieces}, samples={effort.samples}"
    return {"Metering-Effort": told}
