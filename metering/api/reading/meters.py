"""The meter that a path names: a slash in a name and one of the path look alike."""

from metering.errors import NotFound
from metering.model import Scope
from metering.query import FIELDS, Comparison, ExtentQuery, Operator
from metering.storage.base import Storage


def read_meter(storage: Storage, scope: Scope, name: str) -> str:
    """The name, which may end in a slash that means nothing.

    One with a slash is that of a meter, or none at all: so no path leads to what was not meant.

    Raises:
        NotFound: a name with a slash that no meter has which the caller may see.
    """
    if "/" not in name or _is_there(storage, scope, name):
        return name
    plain = name.removesuffix("/")
    if "/" not in plain or _is_there(storage, scope, plain):
        return plain
    raise NotFound("Meter", plain)


def _is_there(storage: Storage, scope: Scope, name: str) -> bool:
    leaf = Comparison(FIELDS["meter"], Operator.EQ, name)
    query = ExtentQuery(scope=scope, filter=leaf, last_only=True, lazily=True, by_series=False)
    return next(iter(storage.extents(query)), None) is not None
