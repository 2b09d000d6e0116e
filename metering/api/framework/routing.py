"""How paths lead to controllers: one table, read from top to bottom; Pecan asks it.

Pecan's own object dispatch would let a path name any attribute, and its RestController gives
`_method`, `edit` and `delete` meanings of their own. Here a path is what the table says.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pecan.core import ExplicitPecan
from webob import exc

from metering.api.exchange.observed import ROUTE
from metering.api.forms.media import JSON

Controller = Callable[..., Any]

ARGUMENTS = "metering.path_arguments"
ANY_METHOD = "*"


class Route:
    """A path template, and its controllers by method.

    A segment in braces is an argument. One of them may end in `...`: it takes all of the path that
    the others leave, slashes included, and is not empty if it comes last. A slash at the end of a
    path is ignored, unless that argument takes it.
    """

    def __init__(self, template: str, verbs: Mapping[str, Controller]) -> None:
        self.template = template
        self.verbs = verbs
        self._segments = template.split("/")[1:]
        # Where the long argument stands; if there is none, behind all others.
        longs = (n for n, segment in enumerate(self._segments) if segment.endswith("...}"))
        self._long = next(longs, len(self._segments))

    def match(self, path: list[str]) -> list[str] | None:
        """The path arguments, or None if the path is another."""
        segments = self._segments
        if self._long != len(segments) - 1 and len(path) > len(segments) and not path[-1]:
            path = path[:-1]
        if self._long < len(segments) <= len(path):
            end = len(path) - (len(segments) - self._long - 1)
            taken = "/".join(path[self._long : end])
            if not taken and self._long == len(segments) - 1:
                return None
            path = [*path[: self._long], taken, *path[end:]]
        if len(path) != len(segments):
            return None
        pairs = list(zip(segments, path, strict=True))
        if any(segment != given for segment, given in pairs if not segment.startswith("{")):
            return None
        return [given for segment, given in pairs if segment.startswith("{")]


class Routed(ExplicitPecan):
    """Pecan's application, with a table for its root.

    Two of Pecan's own steps are done here, because for each of them it makes a class of the
    signature of what it is going to call, anew for each request: much of what a request costs.
    """

    def route(self, req: Any, node: Sequence[Route], path: str) -> tuple[Controller, list[str]]:
        """Give Pecan the controller.

        The path arguments go by way of the environ: Pecan would drop those that are empty. So
        does the template, which the log and the metrics name.
        """
        remainder = path.split("/")[1:]
        for route in node:
            arguments = route.match(remainder)
            if arguments is not None:
                req.environ[ARGUMENTS] = arguments
                req.environ[ROUTE] = route.template
                controller = _controller(route, req.method)
                if req.environ.get("HTTP_ACCEPT") == JSON and _has_json(controller):
                    # What most clients ask for; Pecan would weigh it at length.
                    req.pecan["content_type"] = JSON
                return controller, []
        raise exc.HTTPNotFound

    def invoke_controller(
        self, controller: Controller, args: list[Any], kwargs: dict[str, Any], state: Any
    ) -> None:
        """Take the answer of a controller, which is whole."""
        state.response = controller(*args, **kwargs)


def _has_json(controller: Controller) -> bool:
    endpoint = getattr(controller, "endpoint", None)
    return endpoint is not None and JSON in endpoint.forms


def _controller(route: Route, method: str) -> Controller:
    controller = route.verbs.get(method) or route.verbs.get(ANY_METHOD)
    if controller is None:
        refused = exc.HTTPMethodNotAllowed()
        refused.allow = sorted(route.verbs)
        raise refused
    return controller
