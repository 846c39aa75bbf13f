"""Whether the shards of a group add up what they should, and how fast, tried before they serve."""

import logging
import time

import torch

from lorax_shard.failure import CodedError, FailureCode
from lorax_shard.layers.parallel import ShardGroup

_LOG = logging.getLogger(__name__)
# Bytes of a sum: those of a decode step, whose time is a way there and back, and of a prompt.
_SIZES = (64 << 10, 4 << 20)
_ROUNDS = 5


class WrongSum(CodedError):
    """What the shards of a group add up is wrong."""

    code = FailureCode.SHARD_FAILED


def prove_group(group: ShardGroup, device: torch.device) -> None:
    """Adds up known numbers, checks every one of them, and logs how long that takes.

    GPUs that write to one another past a misconfigured host can lose what they write, or wait for
    ever; models then answer nonsense, or nothing. All shards must call it.
    """
    _LOG.info("adding up numbers with the other %d shards", group.world - 1)
    times = [_prove_sum(group, size // 4, device) for size in _SIZES]
    _LOG.info(
        "the shards add up 64 KiB in %.2f ms and 4 MiB in %.2f ms%s",
        *(1000 * seconds for seconds in times),
        _peer_access(device),
    )


def _prove_sum(group: ShardGroup, count: int, device: torch.device) -> float:
    """Seconds of one sum of float32 numbers; the fastest, because the first connects."""
    # Whole numbers that float32 holds, each in its place: what is lost or moved shows.
    numbers = torch.arange(count, dtype=torch.float32, device=device) % 1024
    expected = numbers * sum(range(1, group.world + 1))
    fastest = float("inf")
    for _ in range(_ROUNDS):
        mine = numbers * (group.rank + 1)
        _wait(device)
        begin = time.perf_counter()
        found = group.all_reduce(mine)
        _wait(device)
        fastest = min(fastest, time.perf_counter() - begin)
        wrong = int((found != expected).sum())
        if wrong:
            raise WrongSum(
                f"the shards cannot add up: {wrong} of {count} numbers are wrong on shard "
                f"{group.rank} of {group.world}{_advice(device)}"
            )
    return fastest


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _advice(device: torch.device) -> str:
    if device.type != "cuda":
        return ""
    return (
        ". GPUs whose writes to one another are lost do that, where the host's IOMMU is between "
        "them: NCCL_P2P_DISABLE=1 goes through the host's memory"
    )


def _peer_access(device: torch.device) -> str:
    """Which GPUs this one reads and writes by itself; a shard in a container may see none."""
    if device.type != "cuda" or torch.cuda.device_count() < 2:
        return ""
    others = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    others.remove(torch.device("cuda", torch.cuda.current_device()))
    far = [str(other) for other in others if not torch.cuda.can_device_access_peer(device, other)]
    if not far:
        return f"; {device} has peer access to all {len(others)} others"
    return f"; {device} has no peer access to {', '.join(far)}, which are reached through the host"
