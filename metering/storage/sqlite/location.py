"""Where the file is: the path in a URL, read by SQLAlchemy's convention."""

from pathlib import Path

from metering.errors import Misconfigured

_PREFIX = "sqlite:///"


def path_of(url: str) -> Path:
    """The absolute path of `sqlite:////absolute.db` or `sqlite:///relative.db`.

    A relative path is taken from the working directory of now.

    Raises:
        Misconfigured: no path, a host, options, or `:memory:`.
    """
    path = url.removeprefix(_PREFIX)
    if path == url or not path:
        raise _refusal("must be sqlite:////absolute/path.db or sqlite:///relative/path.db")
    if "?" in path or "\0" in path:
        raise _refusal("takes no options: the path ends the URL")
    if path == ":memory:":
        raise _refusal("must name a file; to keep nothing, use memory://")
    return Path(path).absolute()


def _refusal(sentence: str) -> Misconfigured:
    return Misconfigured(f"an SQLite URL {sentence}", field="[database] connection")
