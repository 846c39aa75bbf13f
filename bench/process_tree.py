"""CPU time of a process and everything below it, from /proc."""

import os
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Member:
    """A process of the tree; cpu_seconds includes its children that have ended."""

    process_id: int
    command: str
    cpu_seconds: float


def members(root: int) -> list[Member]:
    """The live processes from root downwards. CPU time is exact to a clock tick (10 ms)."""
    seconds: dict[int, float] = {}
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            read = _stat(int(entry))
            if read is not None:
                parent, seconds[int(entry)] = read
                children.setdefault(parent, []).append(int(entry))
    found: list[int] = []
    waiting = [root]
    while waiting:
        process_id = waiting.pop()
        if process_id in seconds:
            found.append(process_id)
        waiting += children.get(process_id, [])
    return [Member(each, _command(each), seconds[each]) for each in found]


def variable(process_id: int, name: str) -> str:
    """A variable of the environment that a process was started with; empty where it has none."""
    try:
        words = Path(f"/proc/{process_id}/environ").read_bytes()
    except OSError:
        return ""
    prefix = f"{name}=".encode()
    found = (word for word in words.split(b"\0") if word.startswith(prefix))
    return next(found, prefix).removeprefix(prefix).decode(errors="replace")


def _stat(process_id: int) -> tuple[int, float] | None:
    """Parent and CPU seconds; None for a process that has just gone."""
    try:
        text = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return None
    # The command in parentheses may hold anything, so fields are counted from the last one.
    fields = text.rpartition(")")[2].split()
    return int(fields[1]), sum(map(int, fields[11:15])) / _TICKS_PER_SECOND


def _command(process_id: int) -> str:
    try:
        words = Path(f"/proc/{process_id}/cmdline").read_bytes()
    except OSError:
        return ""
    return words.replace(b"\0", b" ").decode(errors="replace").strip()
