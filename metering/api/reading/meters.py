"""The meter that a path names: a slash may be part of the name, or separate it from the rest."""

from metering.errors import NotFound
from metering.model import Scope
from metering.query import FIELDS, Comparison, ExtentQuery, Operator
from metering.storage.base import Storage


def read_meter(storage: Storage, scope: Scope, name: str) -> str:
    """The name, which may end in a slash that means nothing.

    A name with a slash must be that of a meter, so that a mistyped path is not taken for one.

    Raises:
        NotFound: the name has a slash, and the caller may see no such meter.
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
