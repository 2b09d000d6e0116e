"""What Linux knows of other processes: what they have spent, and what they hold."""

import os
from pathlib import Path

_KIB = 1024
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat after the name, which may hold blanks and ends with a parenthesis.
_USER_TICKS, _SYSTEM_TICKS = 11, 12


def processor_seconds(pid: int) -> float:
    """What a process has spent of processors since it began, all its threads together."""
    _, _, after = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")
    fields = after.split()
    return (int(fields[_USER_TICKS]) + int(fields[_SYSTEM_TICKS])) / _TICKS_A_SECOND


def children(pid: int) -> list[int]:
    """The processes that it started, and that still run."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def most_memory(pid: int) -> int:
    """The most bytes that it had resident since it began, or since `forget_memory`."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * _KIB
    raise ProcessLookupError(pid)


def forget_memory(pid: int) -> None:
    """Begin to look anew for the most memory."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
