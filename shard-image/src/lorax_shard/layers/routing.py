"""Which tokens of a step use which adapters, worked out once for all layers.

Rows of a step are ordered by adapter, so that the tokens of an adapter are one segment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lorax_shard.layers.native import uses_triton

SMALLEST_BUCKET = 8
TILE_ROWS = 16  # the least that a tensor core takes


def rank_bucket(rank: int) -> int:
    """The power of two, at least 8, that an adapter of this rank is padded to."""
    return max(SMALLEST_BUCKET, 1 << (rank - 1).bit_length())


@dataclass(frozen=True, slots=True)
class LoraSlot:
    """Where an adapter is resident: the same place in the stacks of every layer."""

    bucket: int
    slot: int
    multiplies: bool = False  # with DoRA an adapter multiplies the weights beside adding to them


@dataclass(frozen=True, slots=True)
class MultipliedRows:
    """Neighbouring tokens whose adapter multiplies what the weights make of them."""

    start: int
    stop: int
    bucket: int
    slot: int


@dataclass(frozen=True, slots=True)
class Segments:
    """Runs of neighbouring tokens with one adapter: (first row, row after the last, slot)."""

    bucket: int
    runs: list[tuple[int, int, int]]
    table: Tensor  # [n, 3], the same in int32
    tiles: Tensor | None = None  # see tiles_of; for the kernels of a GPU


@dataclass(frozen=True, slots=True)
class PaddedTokens:
    """One token per sequence, grouped by adapter and padded to the largest group.

    Padding repeats a token of the batch and its result is never read.
    """

    bucket: int
    slots: Tensor | slice  # [S] or a range of neighbours, which needs no copy of the stack
    rows: Tensor  # [S, M] token of each place
    tokens: Tensor  # [T'] tokens that use this bucket
    places: Tensor  # [T'] their places in [S*M]


TokenRouting = Segments | PaddedTokens


@dataclass(frozen=True, slots=True)
class LoraRouting:
    """The adapters of one step: at most one routing per rank bucket, none for base tokens."""

    buckets: list[TokenRouting] = field(default_factory=list)
    multiplied: list[MultipliedRows] = field(default_factory=list)  # empty unless one is DoRA's


def route_segments(
    slots: Sequence[LoraSlot | None], lengths: Sequence[int], device: torch.device
) -> LoraRouting:
    """Routing of sequences of tokens that lie one after another; neighbours are joined."""
    runs: dict[int, list[tuple[int, int, int]]] = {}
    start = 0
    for slot, length in zip(slots, lengths, strict=True):
        if slot is not None and length:
            known = runs.setdefault(slot.bucket, [])
            if known and known[-1][1:] == (start, slot.slot):
                known[-1] = (known[-1][0], start + length, slot.slot)
            else:
                known.append((start, start + length, slot.slot))
        start += length
    return LoraRouting(
        [
            Segments(
                bucket,
                known,
                torch.tensor(known, dtype=torch.int32, device=device),
                tiles_of(known, device) if uses_triton(device) else None,
            )
            for bucket, known in runs.items()
        ],
        _multiplied(slots, lengths),
    )


def _multiplied(slots: Sequence[LoraSlot | None], lengths: Sequence[int]) -> list[MultipliedRows]:
    found: list[MultipliedRows] = []
    start = 0
    for slot, length in zip(slots, lengths, strict=True):
        if slot is not None and slot.multiplies and length:
            first = start
            if found and (found[-1].stop, found[-1].bucket, found[-1].slot) == (
                start, slot.bucket, slot.slot,
            ):  # fmt: skip
                first = found.pop().start
            found.append(MultipliedRows(first, start + length, slot.bucket, slot.slot))
        start += length
    return found


def tiles_of(runs: Sequence[tuple[int, int, int]], device: torch.device) -> Tensor:
    """Runs (first row, row after the last, slot) -> [1 + n, 3] int32: first row, height, slot.

    Before the n tiles there is (n, 0, 0): what follows them in a tensor that has room for more is
    not read.
    """
    tiles = [
        (row, min(TILE_ROWS, stop - row), slot)
        for start, stop, slot in runs
        for row in range(start, stop, TILE_ROWS)
    ]
    return torch.tensor([(len(tiles), 0, 0), *tiles], dtype=torch.int32, device=device)


def route_padded(slots: Sequence[LoraSlot | None], device: torch.device) -> LoraRouting:
    """Routing of a decode step for batched products: token i belongs to sequence i."""
    groups: dict[int, dict[int, list[int]]] = {}
    for token, slot in enumerate(slots):
        if slot is not None:
            groups.setdefault(slot.bucket, {}).setdefault(slot.slot, []).append(token)
    return LoraRouting(
        [_pad(bucket, by_slot, device) for bucket, by_slot in groups.items()],
        _multiplied(slots, [1] * len(slots)),
    )


def _pad(bucket: int, by_slot: dict[int, list[int]], device: torch.device) -> PaddedTokens:
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
    return PaddedTokens(
        bucket,
        selected,
        torch.tensor(rows, device=device),
        torch.tensor(tokens, device=device),
        torch.tensor(places, device=device),
    )
