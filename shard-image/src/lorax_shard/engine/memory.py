"""How much memory there is for adapters and for the cache."""

from pathlib import Path

import torch

from lorax_shard.engine.limits import MemoryLimits

# Of the host memory that is free when the shard warms up. Activations, the page cache that holds
# the weights' files, and the other processes of the machine live in the rest.
HOST_CACHE_FRACTION = 0.4
_CGROUP = Path("/sys/fs/cgroup")


class OutOfMemory(ValueError):
    """Something does not fit the memory that is set aside for it."""


class DeviceMemory:
    """The memory of the device that the model is on; for a CPU the host's, within its cgroup."""

    def __init__(self, device: torch.device, limits: MemoryLimits, shards: int) -> None:
        self._device = device
        self._limits = limits
        self._shards = shards

    def adapter_share(self, adapter_id: str, size: int) -> float:
        """How much of the reservation for adapters one adapter takes."""
        reserved = self._limits.adapter_fraction * self._total()
        if reserved <= 0:
            raise OutOfMemory("Memory reserved for adapters is 0: set ADAPTER_MEMORY_FRACTION")
        if size > reserved:
            raise OutOfMemory(
                f"adapter {adapter_id} of {size} bytes is larger than adapter memory reservation "
                f"of {int(reserved)} bytes"
            )
        return size / reserved

    def share_of_all(self, size: int) -> float:
        """How much of all memory one adapter takes: upstream's figure for preloaded ones."""
        return size / self._total()

    def cache_blocks(self, block_bytes: int) -> int:
        """Blocks that fit beside the weights, the activations seen so far and the adapters."""
        if self._device.type == "cuda":
            return max(0, int(self._free_cuda() * self._limits.wiggle_room) // block_bytes)
        return int(_host_available() * HOST_CACHE_FRACTION / self._shards) // block_bytes

    def _free_cuda(self) -> float:
        free, total = torch.cuda.mem_get_info(self._device)
        # What earlier passes used as scratch is cached by the allocator and will be needed again.
        kept = self._limits.device_fraction - self._limits.adapter_fraction
        return free - (1.0 - kept) * total

    def _total(self) -> int:
        if self._device.type == "cuda":
            return int(torch.cuda.get_device_properties(self._device).total_memory)
        return _host_total()


def _host_total() -> int:
    total = _meminfo("MemTotal")
    limit = _cgroup("memory.max")
    return total if limit is None else min(total, limit)


def _host_available() -> int:
    available = _meminfo("MemAvailable")
    limit, used = _cgroup("memory.max"), _cgroup("memory.current")
    if limit is None or used is None:
        return available
    # Pages of files that nobody read lately count as used, but are given back on demand.
    return max(0, min(available, limit - used + _inactive_file_pages()))


def _meminfo(key: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    raise OutOfMemory(f"/proc/meminfo has no {key}")


def _inactive_file_pages() -> int:
    for line in (_CGROUP / "memory.stat").read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "inactive_file":
            return int(value)
    return 0


def _cgroup(name: str) -> int | None:
    """A limit of this container's cgroup (version 2); None when there is none."""
    try:
        text = (_CGROUP / name).read_text().strip()
    except OSError:
        return None
    return None if text == "max" else int(text)
