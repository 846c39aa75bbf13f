"""What a shard may take of its memory and of its time. Needs no torch."""

from dataclasses import dataclass

from lorax_shard.failure import CodedError, FailureCode


class OutOfMemory(CodedError):
    """Something does not fit the memory that there is, or that is set aside for it."""

    code = FailureCode.OUT_OF_MEMORY


@dataclass(frozen=True, slots=True)
class MemoryLimits:
    """The shares of memory; names and meanings are upstream's unless said otherwise."""

    adapter_fraction: float = 0.1  # ADAPTER_MEMORY_FRACTION, of all memory
    device_fraction: float = 1.0  # CUDA_MEMORY_FRACTION, of all memory
    wiggle_room: float = 0.9  # MEMORY_WIGGLE_ROOM, of what is left for the cache
    # LORAX_HOST_ADAPTER_FRACTION, of a host's free memory, beside a device; ours.
    host_adapter_fraction: float = 0.1


@dataclass(frozen=True, slots=True)
class SpeculationLimits:
    """How much of what may come next is computed along."""

    tokens: int = 0  # of each sequence in a step
    sequences: int = 0  # of a step that speculates, at most


NO_SPECULATION = SpeculationLimits()
