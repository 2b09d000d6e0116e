"""Every path of the API."""

from metering.api.framework.routing import ANY_METHOD, Route
from metering.api.operation.health import Readiness
from metering.api.services import Services
from metering.api.unversioned.operation import HealthController, MetricsController
from metering.api.unversioned.versions import VersionsController
from metering.api.v2.alarms import AlarmsController
from metering.api.v2.capabilities import CapabilitiesController
from metering.api.v2.dimensions import DimensionsController
from metering.api.v2.directory import DirectoryController
from metering.api.v2.meters import MetersController
from metering.api.v2.openapi import OpenApiController
from metering.api.v2.query import QueryController
from metering.api.v2.resources import ResourcesController
from metering.api.v2.revisions import RevisionsController
from metering.api.v2.samples import SamplesController
from metering.api.v2.segments import SegmentsController
from metering.api.v2.statistics import StatisticsController
from metering.api.v2.usage import UsageController

_ALARMS = ("/v2/alarms", "/v2/alarms/{rest...}", "/v2/query/alarms", "/v2/query/alarms/{rest...}")


def make_routes(services: Services) -> tuple[Route, ...]:
    """The table of paths; ids take the rest of a path, so nothing can follow them."""
    versions = VersionsController()
    health = HealthController(Readiness(services.storage, services.stopping))
    metrics = MetricsController(services)
    meters = MetersController(services)
    resources = ResourcesController(services)
    revisions = RevisionsController(services)
    samples = SamplesController(services)
    statistics = StatisticsController(services)
    segments = SegmentsController(services)
    query = QueryController(services)
    dimensions = DimensionsController(services)
    directory = DirectoryController(services)
    alarms = AlarmsController()
    capabilities = CapabilitiesController(services)
    usage = UsageController(services)
    openapi = OpenApiController(services)
    routes = (
        Route("/", {ANY_METHOD: versions.show}),
        Route("/healthz/live", {ANY_METHOD: health.live}),
        Route("/healthz/ready", {ANY_METHOD: health.ready}),
        Route("/metrics", {ANY_METHOD: metrics.show}),
        Route("/v2/meters", {"GET": meters.index}),
        Route("/v2/meters/{meter...}/statistics", {"GET": statistics.show}),
        Route("/v2/meters/{meter...}/segments", {"GET": segments.index}),
        Route("/v2/meters/{meter...}", {"GET": meters.samples, "POST": meters.record}),
        Route("/v2/resources", {"GET": resources.index}),
        Route("/v2/resources/{resource_id...}", {"GET": resources.show}),
        Route("/v2/revisions", {"GET": revisions.index}),
        Route("/v2/samples", {"GET": samples.index, "POST": samples.record}),
        Route("/v2/samples/{sample_id...}", {"GET": samples.show}),
        Route("/v2/dimensions", {"GET": dimensions.index}),
        Route("/v2/dimensions/{name...}/values", {"GET": dimensions.values}),
        Route("/v2/projects", {"GET": directory.projects}),
        Route("/v2/users", {"GET": directory.users}),
        Route("/v2/sources", {"GET": directory.sources}),
        Route("/v2/query/samples", {"POST": query.samples}),
        *(Route(path, {ANY_METHOD: alarms.show}) for path in _ALARMS),
        Route("/v2/capabilities", {"GET": capabilities.show}),
        Route("/v2/usage", {"GET": usage.show}),
        Route("/v2/openapi.json", {"GET": openapi.show}),
    )
    openapi.publish(routes)
    return routes
