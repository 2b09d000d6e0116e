"""Commands as they are given."""

from metering.cmd import manage


def run(url: str, *arguments: object) -> int:
    """The exit status of a command of `metering-manage` on the store."""
    return manage.main(["--connection", url, *map(str, arguments)])
