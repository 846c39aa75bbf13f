"""How a linear layer keeps a weight that its checkpoint has in few bits; see KeptWeight."""

from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.grouped import GroupedNumbers, from_grouped, restore_order
from lorax_shard.layers.integer_words import RUN, Order, words_of_pairs
from lorax_shard.layers.native import NativeKernels, uses_triton
from lorax_shard.layers.native_weights import PackedGroups, PackedInt4, PackedLevels

# Rows of a step up to which a product reads the weight once and little else: a GPU then gains by
# reading few bits in the product itself. Above it computes, which PyTorch's product does best.
DECODED_ROWS = 64


def keep_grouped(
    grouped: GroupedNumbers, kernels: NativeKernels | None
) -> "GroupedWeight | NativeGroupedWeight":
    """The weight as its device multiplies it."""
    if kernels is None:
        kind = TritonGroupedWeight if uses_triton(grouped.device) else GroupedWeight
        return kind(grouped)
    packed = _pack(grouped, kernels)
    return NativeGroupedWeight(packed, grouped.group_of, grouped.order, grouped.dtype, kernels)


Packed: TypeAlias = PackedInt4 | PackedLevels | PackedGroups


def _pack(grouped: GroupedNumbers, kernels: NativeKernels) -> Packed:
    """Most checkpoints have equal groups of 4 bits, which are multiplied without being widened."""
    scales = kernels.pack_rows(grouped.scales)
    zeros = None if grouped.zeros is None else kernels.pack_rows(grouped.zeros)
    sizes = grouped.group_of.bincount()
    group = int(sizes[0])
    are_equal = group % RUN == 0 and bool((sizes[:-1] == group).all()) and int(sizes[-1]) <= group
    levels, depth = grouped.levels, grouped.in_features
    if grouped.bits == 4 and levels is None and are_equal:
        in_fours = partial(words_of_pairs, order=Order.FOURS)
        words = kernels.pack_words([grouped.numbers], in_fours)
        return PackedInt4(words, scales, None, zeros, group, depth)
    if levels is not None and are_equal and _multiplies_pairs(grouped, kernels):
        in_pairs = partial(words_of_pairs, order=Order.PAIRS)
        words = kernels.pack_words([grouped.numbers], in_pairs)
        return PackedLevels(words, scales, levels, group, depth)
    ends = sizes.cumsum(0).to(torch.int32)
    numbers = kernels.pack_rows(grouped.numbers)
    bounds = functional.pad(ends, (1, 0))
    return PackedGroups(numbers, scales, zeros, bounds, grouped.bits, levels)


def _multiplies_pairs(grouped: GroupedNumbers, kernels: NativeKernels) -> bool:
    return kernels.looks_levels_up and grouped.dtype is torch.bfloat16


def _select(x: Tensor, order: Tensor | None) -> Tensor:
    """The inputs [T, in] in the order in which the weight has them."""
    return x if order is None else x.index_select(1, order)


@dataclass(frozen=True, slots=True)
class GroupedWeight:
    """For PyTorch's operators: each product makes the weight anew and forgets it."""

    grouped: GroupedNumbers

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.grouped.in_features

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        inputs = _select(x, self.grouped.order)
        return functional.linear(inputs, from_grouped(self.grouped, x.dtype), bias)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        return restore_order(from_grouped(self.grouped, self.grouped.dtype), self.grouped.order)


class TritonGroupedWeight(GroupedWeight):
    """On a GPU: a few rows are multiplied by the numbers as they are."""

    __slots__ = ()

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        if x.shape[0] > DECODED_ROWS:
            return super().multiply(x, bias)
        from lorax_shard.layers.triton_weights import multiply_grouped

        return multiply_grouped(_select(x, self.grouped.order), self.grouped, bias)


@dataclass(frozen=True, slots=True)
class NativeGroupedWeight:
    """As the CPU kernels want it."""

    packed: Packed
    group_of: Tensor  # as in GroupedNumbers
    order: Tensor | None
    dtype: torch.dtype  # of the model
    kernels: NativeKernels

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.group_of.shape[0]

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        inputs = _select(x, self.order)
        if isinstance(self.packed, PackedInt4):
            return self.kernels.linear_int4(inputs, self.packed, bias, self.dtype)
        if isinstance(self.packed, PackedLevels):
            return self.kernels.linear_levels(inputs, self.packed, bias)
        return self.kernels.linear_grouped(inputs, self.packed, bias, self.dtype)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        packed = self.packed
        levels = None if isinstance(packed, PackedInt4) else packed.levels
        zeros = None if isinstance(packed, PackedLevels) else packed.zeros
        bits = 4
        if isinstance(packed, PackedGroups):
            bits = packed.bits
            numbers = self.kernels.unpack_rows(packed.numbers)
        else:
            numbers = self.kernels.unpack_pairs(packed, -(-packed.in_features // 2))
        grouped = GroupedNumbers(
            numbers,
            self.kernels.unpack_rows(packed.scales),
            None if zeros is None else self.kernels.unpack_rows(zeros),
            self.group_of,
            self.order,
            bits,
            self.dtype,
            levels,
        )
        return restore_order(from_grouped(grouped, self.dtype), self.order)
