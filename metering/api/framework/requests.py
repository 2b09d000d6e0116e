"""The request class that Pecan is given: WebOb's, minus the traps."""

from typing import Any, ClassVar

from webob import Request
from webob.multidict import MultiDict

from metering.errors import InvalidRequest


class ApiRequest(Request):
    """A request whose bytes that are not UTF-8 are the client's fault, and whose body is ours.

    Pecan looks into `json` and `params` for arguments; finding none, it leaves the body alone,
    which it would otherwise parse a second time.
    """

    json: ClassVar[dict[str, Any]] = {}
    params: ClassVar[MultiDict] = MultiDict()

    @property
    def path_info(self) -> str:
        """The path as text."""
        try:
            path: str = Request.path_info.__get__(self, type(self))
        except UnicodeDecodeError:
            raise InvalidRequest("the path is not valid UTF-8") from None
        return path

    @property
    def GET(self) -> MultiDict:  # noqa: N802 - WebOb's name
        """The parameters of the query string."""
        try:
            return Request.GET.__get__(self, type(self))
        except UnicodeDecodeError:
            raise InvalidRequest("a parameter is not valid UTF-8") from None
