"""How much memory there is for adapters and for the cache."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from lorax_shard.cgroup import ControlGroups
from lorax_shard.engine.limits import MemoryLimits, OutOfMemory
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.models import WeightCount

# Of the host memory that is free when the shard warms up. Activations, the page cache that holds
# the weights' files, and the other processes of the machine live in the rest.
HOST_CACHE_FRACTION = 0.4


@dataclass(frozen=True, slots=True)
class CacheSpace:
    """What the cache may take."""

    blocks: int
    account: str  # the sum that led to it


class DeviceMemory:
    """The memory of the device that the model is on; for a CPU the host's, within its cgroup."""

    def __init__(self, device: torch.device, limits: MemoryLimits, shards: int) -> None:
        self._device = device
        self._limits = limits
        self._shards = shards

    def check_weights(
        self,
        model: str,
        count: WeightCount,
        dtype: torch.dtype,
        quantisation: Quantisation | None,
    ) -> None:
        """Refuses a model whose weights cannot fit, before the kernel ends the process over it."""
        needed = count.bytes_of_shard(dtype, quantisation, self._shards)
        free = self.free()
        if needed <= free:
            return
        ways = []
        if quantisation is None and dtype is torch.float32:
            halved = count.bytes_of_shard(torch.bfloat16, None, self._shards)
            ways.append(f"set --dtype bfloat16, which takes {_gib(halved)}")
        for fewer in Quantisation if count.packed == 0 else ():
            size = count.bytes_of_shard(dtype, fewer, self._shards)
            if size < needed:
                ways.append(f"set --quantize {fewer.value}, which takes {_gib(size)}")
        if self._device.type == "cuda":
            ways.append(
                f"serve it on more GPUs (--num-shard {self._shards * (1 + needed // free)})"
            )
        else:
            ways.append("raise the memory limit")
        kind = _short(dtype)
        if quantisation is not None:
            kind += f" with linear layers in {quantisation.value}"
        if count.packed:
            kind += f" with {_gib(count.packed // self._shards)} of linear layers in few bits"
        raise OutOfMemory(
            f"the weights of model {model} take {_gib(needed)} as {kind} on each of "
            f"{self._shards} shards, {self._device} has {_gib(free)} free: {', or '.join(ways)}"
        )

    def adapter_share(self, adapter_id: str, size: int) -> float:
        """How much of the reservation for adapters one adapter takes."""
        reserved = self._limits.adapter_fraction * self._total
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
        return size / self._total

    def cache_space(self, block_bytes: int, reserved: int = 0) -> CacheSpace:
        """What fits beside the weights, the activations seen so far and the adapters.

        reserved: bytes of the device that CUDA graphs are going to take.
        """
        if self._device.type == "cuda":
            size, how = self._cuda_cache(reserved)
        else:
            available = _host_available()
            size = int(available * HOST_CACHE_FRACTION / self._shards)
            how = f"{HOST_CACHE_FRACTION} of the {_gib(available)} that are available"
            if self._shards > 1:
                how += f", divided between {self._shards} shards"
        blocks = max(0, size // block_bytes)
        return CacheSpace(blocks, f"{_gib(size)} are {blocks} blocks of {block_bytes} bytes: {how}")

    def host_adapter_bytes(self) -> int:
        """Host memory in which adapters may stay beside a device; none where it is the host's."""
        if self._device.type == "cpu":
            return 0
        return int(_host_available() * self._limits.host_adapter_fraction / self._shards)

    def free(self) -> int:
        """Bytes that nobody has taken, at least 1."""
        if self._device.type == "cuda":
            return max(1, int(torch.cuda.mem_get_info(self._device)[0]))
        return max(1, _host_available())

    def _cuda_cache(self, reserved: int) -> tuple[int, str]:
        """Bytes, and how they were come by.

        What earlier passes used as scratch is cached by the allocator, so it is not free: it will
        be needed again.
        """
        free, total = torch.cuda.mem_get_info(self._device)
        limits = self._limits
        adapters = int(limits.adapter_fraction * total)
        others = int((1.0 - limits.device_fraction) * total)
        parts = [
            f"{_gib(free)} that are free",
            f"{_gib(adapters)} for adapters (ADAPTER_MEMORY_FRACTION {limits.adapter_fraction})",
        ]
        if others:
            parts.append(f"{_gib(others)} by CUDA_MEMORY_FRACTION {limits.device_fraction}")
        if reserved:
            parts.append(f"{_gib(reserved)} for CUDA graphs")
        size = int((free - adapters - others - reserved) * limits.wiggle_room)
        return size, f"{limits.wiggle_room} (MEMORY_WIGGLE_ROOM) of {' less '.join(parts)}"

    @cached_property
    def _total(self) -> int:
        """Asked for once: each download of an adapter would read a dozen files."""
        if self._device.type == "cuda":
            return int(torch.cuda.get_device_properties(self._device).total_memory)
        return _host_total()


def _host_total() -> int:
    total = _meminfo("MemTotal")
    limit = ControlGroups().memory_limit()
    return total if limit is None else min(total, limit)


def _host_available() -> int:
    available = _meminfo("MemAvailable")
    left = ControlGroups().memory_available()
    return available if left is None else min(available, left)


def _meminfo(key: str) -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    raise OutOfMemory(f"/proc/meminfo has no {key}")


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
