"""The shares of memory that a shard may take. Apart, so that a configuration needs no torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """The shares of device memory; names and meanings are upstream's."""

    adapter_fraction: float = 0.1  # ADAPTER_MEMORY_FRACTION, of all memory
    device_fraction: float = 1.0  # CUDA_MEMORY_FRACTION, of all memory
    wiggle_room: float = 0.9  # MEMORY_WIGGLE_ROOM, of what is left for the cache
