"""What the kernel's control groups grant this process: processor time and memory.

Imports nothing but the standard library: it is asked before torch is loaded.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class _MemoryFiles:
    """Names that differ between the versions."""

    limit: str
    used: str
    inactive: str  # key in memory.stat, of this group and those below it


_MEMORY_FILES = {
    "": _MemoryFiles("memory.max", "memory.current", "inactive_file"),
    "memory": _MemoryFiles("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
}


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """The groups of this process, version 2 or 1, from its own up to the root.

    A container usually sees its own group as the root; elsewhere /proc tells the path. Every group
    on the way up limits the process, so what counts is the tightest.
    """

    mount: Path = Path("/sys/fs/cgroup")
    membership: Path = Path("/proc/self/cgroup")

    def cpus(self) -> float | None:
        """Processors' worth of time that may be used; None without a quota."""
        # Version 2 has quota and period in one file, version 1 a file for each.
        pairs = [_read(group / "cpu.max").split() for group in self._groups("")] + [
            [_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")]
            for group in self._groups("cpu")
        ]
        quotas = [
            int(pair[0]) / int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0].isdecimal()
        ]
        return min(quotas, default=None)

    def memory_limit(self) -> int | None:
        """Bytes of memory that may be used; None without a limit."""
        return min((limit for limit, _ in self._memory()), default=None)

    def memory_available(self) -> int | None:
        """Bytes left until the tightest limit; None without a limit."""
        return min((max(0, limit - used) for limit, used in self._memory()), default=None)

    def _memory(self) -> Iterator[tuple[int, int]]:
        """Limit and use of each group that has a limit, in bytes."""
        for controller, files in _MEMORY_FILES.items():
            for group in self._groups(controller):
                limit, used = _read(group / files.limit), _read(group / files.used)
                if limit.isdecimal() and used.isdecimal():
                    # Pages of files that nobody read lately count as used, but are given back on
                    # demand.
                    yield int(limit), int(used) - _statistic(group, files.inactive)

    def _groups(self, controller: str) -> Iterator[Path]:
        """The folders of a controller of version 1, or of version 2 ("")."""
        # Where both versions are mounted, version 2 has a folder beside the controllers of 1.
        names = [controller] if controller else ["", "unified"]
        member = Path(self._member_path(controller))
        for name in names:
            for path in (member, *member.parents):
                yield self.mount / name / path.relative_to("/")

    def _member_path(self, controller: str) -> str:
        for line in _read(self.membership).splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(","):
                return path
        return "/"


def _read(path: Path) -> str:
    """A file's text without surrounding space; empty where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _statistic(group: Path, key: str) -> int:
    for line in _read(group / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name == key:
            return int(value)
    return 0
