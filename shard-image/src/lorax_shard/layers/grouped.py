"""Weights of few bits in groups, exactly as checkpoints of others have them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

_HALF = 15  # the lower half of a byte
_ROWS = 512  # outputs that are made whole at a time, so that scratch in float32 stays small


@dataclass(frozen=True, slots=True)
class GroupedNumbers:
    """A weight [out, in]: each number less the zero of its group, times the scale of its group.

    With levels (bitsandbytes) a number says which of these it is, and there are no zeros.

    Inputs stand in the order of their groups. Where that is not their own (act-order of GPTQ), the
    weight says which they are. Groups may be of any length.
    """

    numbers: Tensor  # [out, bytes] in uint8; of 4 bits the lower half is the first of two
    scales: Tensor  # [out, groups] in float16, bfloat16 or float32
    zeros: Tensor | None  # [out, groups] in uint8
    group_of: Tensor  # [in] in int32, ascending from 0
    order: Tensor | None  # [in] in int32: which input each column is; None is their own order
    bits: int  # 4 or 8
    dtype: torch.dtype  # of the model, which the weight is in when it is whole
    levels: Tensor | None = None  # [16] in float32, of 4 bits

    @property
    def device(self) -> torch.device:
        """Where the numbers are."""
        return self.numbers.device

    @property
    def in_features(self) -> int:
        """Columns of the weight."""
        return self.group_of.shape[0]

    def __len__(self) -> int:
        """Rows of the weight, as of a tensor."""
        return self.numbers.shape[0]


def group_numbers(
    numbers: Tensor,
    scales: Tensor,
    zeros: Tensor | None,
    group_of: Tensor,
    bits: int,
    dtype: torch.dtype,
    levels: Tensor | None = None,
) -> GroupedNumbers:
    """Puts numbers [out, in] in uint8, one in a byte, whose inputs are of any groups, into order.

    scales, zeros: [out, groups], of which some may belong to no input; group_of: [in].
    """
    order = None
    if bool((group_of[1:] < group_of[:-1]).any()):
        order = group_of.argsort(stable=True).to(torch.int32)
        numbers, group_of = numbers.index_select(1, order), group_of.index_select(0, order)
    used, local = group_of.unique_consecutive(return_inverse=True)
    if bits == 4:
        even = functional.pad(numbers, (0, numbers.shape[1] % 2))
        numbers = even[:, ::2] | (even[:, 1::2] << 4)
    return GroupedNumbers(
        numbers.contiguous(),
        scales.index_select(1, used),
        None if zeros is None else zeros.index_select(1, used),
        local.to(torch.int32),
        order,
        bits,
        dtype,
        levels,
    )


def are_alike(one: GroupedNumbers, other: GroupedNumbers) -> bool:
    """Whether the inputs of both are in the same order and groups, so that they can be joined."""
    same_kind = (one.bits, one.scales.dtype) == (other.bits, other.scales.dtype)
    return (
        same_kind
        and _are_equal(one.order, other.order)
        and _are_equal(one.levels, other.levels)
        and torch.equal(one.group_of, other.group_of)
    )


def _are_equal(one: Tensor | None, other: Tensor | None) -> bool:
    return one is other or (one is not None and other is not None and torch.equal(one, other))


def join(parts: Sequence[GroupedNumbers]) -> GroupedNumbers:
    """Weights that are alike, under one another."""
    if len(parts) == 1:
        return parts[0]
    zeros = [part.zeros for part in parts if part.zeros is not None]
    return replace(
        parts[0],
        numbers=torch.cat([part.numbers for part in parts]),
        scales=torch.cat([part.scales for part in parts]),
        zeros=torch.cat(zeros) if zeros else None,
    )


def from_grouped(grouped: GroupedNumbers, dtype: torch.dtype) -> Tensor:
    """The weight [out, in] rounded to dtype, with its inputs in the order of their groups."""
    weight = grouped.scales.new_empty(len(grouped), grouped.in_features, dtype=dtype)
    for first in range(0, len(grouped), _ROWS):
        rows = slice(first, first + _ROWS)
        numbers = grouped.numbers[rows]
        if grouped.bits == 4:
            numbers = torch.stack((numbers & _HALF, numbers >> 4), 2).flatten(1)
        numbers = numbers[:, : grouped.in_features]
        if grouped.levels is not None:
            whole = grouped.levels[numbers.int()]
        else:
            assert grouped.zeros is not None
            # The difference is exact, and so is the product with a scale of 16 bits.
            whole = numbers.float()
            whole -= grouped.zeros[rows].index_select(1, grouped.group_of)
        whole *= grouped.scales[rows].index_select(1, grouped.group_of)
        weight[rows] = whole
    return weight


def restore_order(weight: Tensor, order: Tensor | None) -> Tensor:
    """A weight [out, in] whose inputs stand in this order, in their own."""
    if order is None:
        return weight
    restored = torch.empty_like(weight)
    restored[:, order.long()] = weight
    return restored
