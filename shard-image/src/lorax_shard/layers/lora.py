"""LoRA for a batch whose tokens belong to different adapters.

Every linear layer keeps its adapters in stacks, one stack per rank bucket: an adapter sits in the
same slot of the same bucket in all layers. A step is routed once (`LoraRouting`) and every layer
applies the routing to its own stacks, so a forward pass serves any mix of adapters and base.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

SMALLEST_BUCKET = 8


def rank_bucket(rank: int) -> int:
    """The power of two, at least 8, that an adapter of this rank is padded to."""
    return max(SMALLEST_BUCKET, 1 << (rank - 1).bit_length())


@dataclass(frozen=True, slots=True)
class LoraSlot:
    """Where an adapter is resident: the same place in the stacks of every layer."""

    bucket: int
    slot: int


class LoraStack:
    """The adapters of one rank bucket at one linear layer, zero where an adapter has nothing.

    down: [S, P*R, in], the A matrices of all fused projections under one another.
    up[p]: [S, R, out_p], the transposed B matrix of projection p, with the scale folded in.
    """

    def __init__(self, bucket: int, in_features: int, parts: Sequence[int], like: Tensor) -> None:
        self.bucket = bucket
        self.down = like.new_zeros(0, len(parts) * bucket, in_features)  # [S, P*R, in]
        self.up = [like.new_zeros(0, bucket, out) for out in parts]  # P x [S, R, out_p]

    def grow(self, slots: int) -> None:
        """Makes the stack this many slots high; what it holds stays where it is."""
        if slots > self.down.shape[0]:
            self.down = _grow(self.down, slots)
            self.up = [_grow(up, slots) for up in self.up]

    def clear(self, slot: int) -> None:
        """Zeroes the slot: whoever had it before leaves nothing behind."""
        self.down[slot] = 0
        for up in self.up:
            up[slot] = 0

    def put(self, slot: int, part: int, down: Tensor, up: Tensor) -> None:
        """Sets one projection of one adapter. down: [r, in], up: [out_p, r], r <= bucket."""
        rank = down.shape[0]
        start = part * self.bucket
        self.down[slot, start : start + rank] = down.to(self.down)
        self.up[part][slot, :rank] = up.T.to(self.down)


def _grow(stack: Tensor, slots: int) -> Tensor:
    grown = stack.new_zeros(slots, *stack.shape[1:])
    grown[: stack.shape[0]] = stack
    return grown


class TokenRouting(Protocol):
    """Which tokens of a step use which slots of one bucket."""

    @property
    def bucket(self) -> int:
        """Rank bucket that the slots belong to."""

    def add_to(self, output: Tensor, x: Tensor, stack: LoraStack) -> None:
        """Adds the adapters' part to output [T, sum(out_p)], in place. x: [T, in]."""


@dataclass(frozen=True, slots=True)
class SegmentRouting:
    """Prompts: each segment (start, stop, slot) is worth a matrix product of its own."""

    bucket: int
    segments: list[tuple[int, int, int]]

    def add_to(self, output: Tensor, x: Tensor, stack: LoraStack) -> None:
        """See TokenRouting."""
        for start, stop, slot in self.segments:
            hidden = x[start:stop] @ stack.down[slot].T  # [t, P*R]
            column = 0
            for part, up in enumerate(stack.up):
                rank = slice(part * self.bucket, (part + 1) * self.bucket)
                rows = output[start:stop, column : column + up.shape[2]]
                rows.addmm_(hidden[:, rank], up[slot])
                column += up.shape[2]


@dataclass(frozen=True, slots=True)
class PaddedRouting:
    """Decode: one token per sequence, grouped by adapter and padded to the largest group.

    One batched product per layer costs a tenth of a loop over the adapters. Padding repeats a
    token of the batch and its result is never read.
    """

    bucket: int
    slots: Tensor | slice  # [S] or a range of neighbours, which needs no copy of the stack
    rows: Tensor  # [S, M] token of each place
    tokens: Tensor  # [T'] tokens that use this bucket
    places: Tensor  # [T'] their places in [S*M]

    def add_to(self, output: Tensor, x: Tensor, stack: LoraStack) -> None:
        """See TokenRouting."""
        down = stack.down[self.slots]  # [S, P*R, in]
        hidden = torch.bmm(x[self.rows], down.transpose(1, 2))  # [S, M, P*R]
        column = 0
        for part, up in enumerate(stack.up):
            ranks = slice(part * self.bucket, (part + 1) * self.bucket)
            delta = torch.bmm(hidden[:, :, ranks], up[self.slots])  # [S, M, out_p]
            columns = output[:, column : column + up.shape[2]]
            columns.index_add_(0, self.tokens, delta.flatten(0, 1)[self.places])
            column += up.shape[2]


@dataclass(frozen=True, slots=True)
class LoraRouting:
    """The adapters of one step: at most one routing per rank bucket, none for base tokens."""

    buckets: list[TokenRouting] = field(default_factory=list)


def route_prompts(slots: Sequence[LoraSlot | None], lengths: Sequence[int]) -> LoraRouting:
    """Routing of prompts that lie one after another; neighbours with one adapter are joined."""
    segments: dict[int, list[tuple[int, int, int]]] = {}
    start = 0
    for slot, length in zip(slots, lengths, strict=True):
        if slot is not None:
            known = segments.setdefault(slot.bucket, [])
            if known and known[-1][1:] == (start, slot.slot):
                known[-1] = (known[-1][0], start + length, slot.slot)
            else:
                known.append((start, start + length, slot.slot))
        start += length
    return LoraRouting([SegmentRouting(bucket, known) for bucket, known in segments.items()])


def route_tokens(slots: Sequence[LoraSlot | None], device: torch.device) -> LoraRouting:
    """Routing of a decode step: token i belongs to sequence i."""
    groups: dict[int, dict[int, list[int]]] = {}
    for token, slot in enumerate(slots):
        if slot is not None:
            groups.setdefault(slot.bucket, {}).setdefault(slot.slot, []).append(token)
    return LoraRouting([_pad(bucket, by_slot, device) for bucket, by_slot in groups.items()])


def _pad(bucket: int, by_slot: dict[int, list[int]], device: torch.device) -> PaddedRouting:
    lowest, highest = min(by_slot), max(by_slot)
    selected: Tensor | slice
    if highest - lowest + 1 <= 2 * len(by_slot):
        # Idle slots in between cost less than copying the busy ones out of the stack.
        order = list(range(lowest, highest + 1))
        selected = slice(lowest, highest + 1)
    else:
        order = sorted(by_slot)
        selected = torch.tensor(order, device=device)
    width = max(len(tokens) for tokens in by_slot.values())
    rows: list[list[int]] = []
    tokens: list[int] = []
    places: list[int] = []
    for group, slot in enumerate(order):
        members = by_slot.get(slot, [])
        rows.append(members + [0] * (width - len(members)))
        tokens += members
        places += range(group * width, group * width + len(members))
    return PaddedRouting(
        bucket,
        selected,
        torch.tensor(rows, device=device),
        torch.tensor(tokens, device=device),
        torch.tensor(places, device=device),
    )
