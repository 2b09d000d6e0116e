"""The request class."""

import pytest

from metering.api.framework.requests import ApiRequest
from metering.errors import InvalidRequest


@pytest.mark.parametrize("path", ["/a%ff", "/%ED%A0%80", "/%c3"])
def test_path_is_utf8(path: str) -> None:
    """A path in any other encoding is the client's fault."""
    with pytest.raises(InvalidRequest, match="path"):
        _ = ApiRequest.blank(path).path_info


@pytest.mark.parametrize("query", ["%ff=1", "a=%ff", "a=%ED%A0%80"])
def test_parameters_are_utf8(query: str) -> None:
    """A parameter in any other encoding is the client's fault."""
    with pytest.raises(InvalidRequest, match="parameter"):
        _ = ApiRequest.blank(f"/?{query}").GET


def test_text_is_read() -> None:
    """Path and parameters are text."""
    request = ApiRequest.blank("/%C3%BC?a=%C3%BC&a=")

    assert ("/ü", [("a", "ü"), ("a", "")]) == (request.path_info, list(request.GET.items()))


def test_pecan_sees_no_parameters() -> None:
    """What Pecan looks into for arguments is empty, and the body stays unread."""
    request = ApiRequest.blank("/?a=1", method="POST", body=b'{"b": 2}')

    assert ({}, []) == (request.json, list(request.params))
    assert b'{"b": 2}' == request.body_file.read()
