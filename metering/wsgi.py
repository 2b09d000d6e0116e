"""`application`, for uwsgi and other WSGI servers.

The configuration file is named by the environment's METERING_CONFIG_FILE. Nothing connects when
this is imported; `metering-manage prepare` has created what the store needs.
"""

from metering.api.app import make_app
from metering.api.middleware.under_uwsgi import under_uwsgi
from metering.cmd.garbage import spare_what_is_loaded
from metering.cmd.logs import set_up_logging
from metering.config import load
from metering.errors import Misconfigured
from metering.storage import open_storage

_config = load()
if _config.api.auth == "none" and not _config.api.insecure:
    _MESSAGE = "auth = none would let everyone read and write; set [api] auth, or insecure = true"
    raise Misconfigured(_MESSAGE, field="[api] auth")
set_up_logging(_config.log)
_storage = open_storage(_config.connection, timeout_seconds=_config.api.query_timeout_seconds)
application = under_uwsgi(make_app(_config, _storage))
spare_what_is_loaded()
