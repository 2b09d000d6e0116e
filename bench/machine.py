"""What the machine was, for whoever reads the table later."""

import os
import platform
import sqlite3
from pathlib import Path

import pymongo

_KIB = 1024


def described() -> str:
    """Cores, processor, memory, load, and versions, in a few lines."""
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _KIB**3
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB, load {load}\n"
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"PyMongo {pymongo.version}, SQLite {sqlite3.sqlite_version}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
