"""What middleware does here unless it is told otherwise, for oslo-config-generator."""

from metering.api.middleware import cors, keystone_gate


def set_defaults() -> None:
    """Set the defaults of all middleware."""
    cors.set_defaults()
    keystone_gate.set_defaults()
