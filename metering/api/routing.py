"""How paths lead to controllers: Pecan asks, and each step answers for itself.

Pecan's own object dispatch would let a path name any attribute, and its RestController gives
`_method`, `edit` and `delete` meanings of their own. Steps here name what may follow, and nothing
else does.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pecan
from webob import exc

Controller = Callable[..., Any]
Verbs = Mapping[str, Controller]
Found = tuple[Controller, list[str]]

ARGUMENTS = "metering.path_arguments"


class NoSuchPath(exc.HTTPNotFound):
    """Nothing is at this path."""


class Step:
    """A part of a path that answers for what follows it."""

    @pecan.expose()
    def _route(self, remainder: list[str], request: Any) -> Found:
        """Give Pecan the controller (Pecan's documented hook).

        The path arguments go by way of the environ: Pecan would drop those that are empty.
        """
        controller, request.environ[ARGUMENTS] = self.follow(remainder, request.method)
        return controller, []

    def follow(self, remainder: list[str], method: str) -> Found:
        """The controller for the rest of the path, and its path arguments.

        Raises:
            NoSuchPath: nothing is there.
            webob.exc.HTTPMethodNotAllowed: something is, but not for that method.
        """
        verbs, arguments = self.verbs(remainder)
        controller = verbs.get(method)
        if controller is None:
            refused = exc.HTTPMethodNotAllowed()
            refused.allow = sorted(verbs)
            raise refused
        return controller, arguments

    def verbs(self, remainder: list[str]) -> tuple[Verbs, list[str]]:
        """The controllers by method, and the path arguments."""
        raise NotImplementedError


class Branch(Step):
    """A part of a path with named children."""

    def __init__(self, children: Mapping[str, Step]) -> None:
        """Take the children by the path segment that leads to each."""
        self._children = children

    def follow(self, remainder: list[str], method: str) -> Found:
        """See `Step.follow`."""
        child = self._children.get(remainder[0]) if remainder else None
        if child is None:
            raise NoSuchPath
        return child.follow(remainder[1:], method)


def without_trailing_slash(remainder: list[str]) -> list[str]:
    """The segments, without the empty one that a trailing slash leaves."""
    return remainder[:-1] if remainder and not remainder[-1] else remainder
