"""Tensor parallelism: which part of a layer a shard holds, and the collectives between shards."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor


def split_evenly(total: int, count: int) -> list[range]:
    """Cuts 0..total into count contiguous ranges whose lengths differ by at most one."""
    base, extra = divmod(total, count)
    starts = [index * base + min(index, extra) for index in range(count + 1)]
    return [range(starts[index], starts[index + 1]) for index in range(count)]


@dataclass(frozen=True, slots=True)
class HeadShare:
    """The attention heads of one shard: len(query_heads) is a multiple of len(kv_heads)."""

    query_heads: range
    kv_heads: range

    @property
    def queries_per_kv_head(self) -> int:
        """How many local query heads read each local key-value head."""
        return len(self.query_heads) // len(self.kv_heads)


def share_heads(query_heads: int, kv_heads: int, shards: int) -> list[HeadShare]:
    """Deals attention heads to shards, unevenly where the numbers do not divide.

    Whole key-value heads are dealt while there are enough; with more shards than key-value heads,
    a head is replicated to several shards, which split the query heads that read it.
    """
    if shards > query_heads:
        raise ValueError(
            f"{shards} shards need at least {shards} attention heads, the model has {query_heads}"
        )
    group = query_heads // kv_heads
    if shards <= kv_heads:
        return [
            HeadShare(range(kv.start * group, kv.stop * group), kv)
            for kv in split_evenly(kv_heads, shards)
        ]
    shares = []
    for head, holders in enumerate(split_evenly(shards, kv_heads)):
        for part in split_evenly(group, len(holders)):
            queries = range(head * group + part.start, head * group + part.stop)
            shares.append(HeadShare(queries, range(head, head + 1)))
    return shares


@dataclass(frozen=True, slots=True)
class ShardGroup:
    """This shard's place among the shards of one model, and the collectives between them.

    With one shard every collective is the identity. All shards must call the same collectives in
    the same order.
    """

    rank: int = 0
    world: int = 1

    def share_of(self, total: int) -> range:
        """This shard's part of a dimension that may not divide evenly."""
        return split_evenly(total, self.world)[self.rank]

    def all_reduce(self, partial: Tensor) -> Tensor:
        """Sum over the shards, in place."""
        if self.world > 1:
            dist.all_reduce(partial)
        return partial

    def gather_columns(self, part: Tensor, total: int) -> Tensor:
        """[T, share] of each shard -> [T, total] on every shard."""
        if self.world == 1:
            return part
        shares = split_evenly(total, self.world)
        # Collectives want equal sizes: every share is padded to the first, which is the longest.
        padded = part.new_zeros(part.shape[0], len(shares[0]))
        padded[:, : part.shape[1]] = part
        gathered = [torch.empty_like(padded) for _ in shares]
        dist.all_gather(gathered, padded)
        return torch.cat(
            [columns[:, : len(share)] for columns, share in zip(gathered, shares, strict=True)],
            dim=1,
        )

    def barrier(self) -> None:
        """Waits until every shard is here."""
        if self.world > 1:
            dist.barrier()

    def unanimous(self, yes: bool) -> bool:
        """Whether every shard says yes."""
        if self.world == 1:
            return yes
        votes = torch.tensor([yes], dtype=torch.int64, device=_collective_device())
        dist.all_reduce(votes, op=dist.ReduceOp.MIN)
        return bool(votes.item())

    def agree(self, step: tuple[int, ...], request_ids: Iterable[int]) -> None:
        """Fails on every shard when the shards are about to run different steps.

        request_ids: whose rows these are, in the order of the rows; read by several shards only.
        Without this, shards whose calls arrived in different orders, or which order rows
        differently, would add up the activations of different requests.
        """
        if self.world == 1:
            return
        order = zlib.crc32(np.fromiter(request_ids, dtype=np.uint64).tobytes())
        mine = torch.tensor((*step, order), dtype=torch.int64, device=_collective_device())
        steps = [torch.empty_like(mine) for _ in range(self.world)]
        dist.all_gather(steps, mine)
        if any(not torch.equal(other, mine) for other in steps):
            seen = [tuple(other.tolist()) for other in steps]
            raise RuntimeError(f"shards disagree on the step to run: {seen}")


def _collective_device() -> torch.device:
    return torch.device("cuda") if dist.get_backend() == "nccl" else torch.device("cpu")
