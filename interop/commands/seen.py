"""What /proc says of processes."""

import os
from pathlib import Path


def children(pid):
    """The children of a process, also those that have ended and that nobody has waited for."""
    found = []
    for other in filter(str.isdigit, os.listdir("/proc")):
        fields = _stat(other)
        if fields and int(fields[1]) == pid:
            found.append(int(other))
    return found


def exists(pid):
    return Path(f"/proc/{pid}").exists()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_kib(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def cpu_ticks(pid):
    """The time that a process has worked, in ticks of the system."""
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12])


def state(pid):
    """What a process does, such as `S in pipe_write`."""
    where = Path(f"/proc/{pid}/wchan").read_text()
    # Not every system says where.
    return _stat(pid)[0] + (f" in {where}" if where.strip("0") else "")


def is_stuck(pid):
    """Whether it sleeps in a write into a pipe."""
    return state(pid) in ("S", "S in pipe_write", "S in anon_pipe_write")


def _stat(pid):
    """The fields of a process behind its name, the state first; nothing where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
