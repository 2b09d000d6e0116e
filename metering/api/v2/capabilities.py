"""/v2/capabilities: what the API and the storage driver can do, in v2's names."""

from metering.api.framework.endpoint import Call
from metering.api.framework.expose import expose
from metering.api.services import Controller
from metering.api.writing.wire import CapabilitiesBody
from metering.usage.figures import V2_FUNCTIONS


class CapabilitiesController(Controller):
    """What can be asked for; the same for every caller."""

    @expose(CapabilitiesBody)
    def show(self, call: Call) -> CapabilitiesBody:
        """What the API can do, and whether the store is one for production."""
        del call
        return CapabilitiesBody(
            api={
                **{
                    f"{noun}:query:{kind}": True
                    for noun in ("meters", "resources", "samples", "statistics")
                    for kind in ("simple", "metadata")
                },
                "samples:query:complex": True,
                "statistics:groupby": True,
                "statistics:aggregation:standard": True,
                **{f"statistics:aggregation:selectable:{name}": True for name in V2_FUNCTIONS},
            },
            storage={"storage:production_ready": self.services.storage.is_for_production},
        )
