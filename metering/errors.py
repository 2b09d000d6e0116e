"""Every error that we raise on purpose.

Each class builds its own sentence from facts, carries a stable `code` for machines and, where one
exists, the `field` at fault. Nothing here knows HTTP: `metering.api.faults` maps classes to status.
"""


class MeteringError(Exception):
    """The root; `code` is the stable word for machines, `field` the input at fault."""

    code = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidRequest(MeteringError):
    """What was asked cannot be understood; nothing was done."""

    code = "invalid_request"


class InvalidQuery(InvalidRequest):
    """A filter, window, grouping or limit that makes no sense."""

    code = "invalid_query"


class InvalidSample(InvalidRequest):
    """A sample that breaks a rule of the data model; it was not stored."""

    code = "invalid_sample"


class Expired(InvalidSample):
    """A sample from before the retention horizon, or one that may be the retry of such a sample."""

    code = "expired"


class TooLarge(MeteringError):
    """More than a configured limit allows in one request; nothing was done."""

    code = "too_large"


class UnsupportedMedia(MeteringError):
    """A body in a form that is not read here."""

    code = "unsupported_media"


class Unauthorized(MeteringError):
    """The caller named something that belongs to another project."""

    code = "unauthorized"


class Unauthenticated(MeteringError):
    """Nobody who is known here; a challenge says how one makes oneself known."""

    code = "unauthenticated"
    challenge = ""

    def __init__(self, message: str, *, challenge: str) -> None:
        super().__init__(message)
        self.challenge = challenge


class Forbidden(MeteringError):
    """The caller is known and may not do this."""

    code = "forbidden"


class NotFound(MeteringError):
    """No such thing, or none that the caller may see."""

    code = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name[:100]} Not Found")


class Gone(MeteringError):
    """What v2 had and this service has not."""

    code = "gone"


class Conflict(MeteringError):
    """A sample under a key that already holds another body; nothing was stored."""

    code = "conflict"


class StorageUnavailable(MeteringError):
    """The store did not answer or did not confirm: done or not done is unknown."""

    code = "storage_unavailable"


class IdentityUnavailable(MeteringError):
    """Who knows the callers did not answer; nothing was done."""

    code = "identity_unavailable"

    def __init__(self) -> None:
        super().__init__("tokens cannot be validated now; nothing was done")


class NotPrepared(StorageUnavailable):
    """The store answers, but `metering-manage prepare` was never run on it."""

    code = "not_prepared"


class NotReady(MeteringError):
    """Requests would not be answered now; the message is the reason, a word."""

    code = "not_ready"


class QueryTooExpensive(MeteringError):
    """The question ran into the configured time limit."""

    code = "query_too_expensive"

    def __init__(self, limit_seconds: float) -> None:
        super().__init__(f"the query took longer than {limit_seconds:g} s; narrow it")


class Abandoned(MeteringError):
    """Whoever asked has gone; the question was given up."""

    code = "abandoned"

    def __init__(self) -> None:
        super().__init__("the client closed the connection; the question was given up")


class Misconfigured(MeteringError):
    """The service cannot start, or cannot be trusted, as it is configured."""

    code = "misconfigured"
