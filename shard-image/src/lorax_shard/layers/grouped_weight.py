"""How a linear layer keeps a weight that its checkpoint has in few bits; see KeptWeight."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.grouped import GroupedNumbers, from_grouped, restore_order
from lorax_shard.layers.native import NativeKernels, uses_triton
from lorax_shard.layers.native_weights import PackedGroups

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
    ends = grouped.group_of.bincount().cumsum(0).to(torch.int32)
    packed = PackedGroups(
        kernels.pack_rows(grouped.numbers),
        kernels.pack_rows(grouped.scales),
        None if grouped.zeros is None else kernels.pack_rows(grouped.zeros),
        functional.pad(ends, (1, 0)),
        grouped.bits,
        grouped.levels,
    )
    return NativeGroupedWeight(packed, grouped.group_of, grouped.order, grouped.dtype, kernels)


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

    packed: PackedGroups
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
        return self.kernels.linear_grouped(inputs, self.packed, bias, self.dtype)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        zeros = self.packed.zeros
        grouped = GroupedNumbers(
            self.kernels.unpack_rows(self.packed.numbers),
            self.kernels.unpack_rows(self.packed.scales),
            None if zeros is None else self.kernels.unpack_rows(zeros),
            self.group_of,
            self.order,
            self.packed.bits,
            self.dtype,
            self.packed.levels,
        )
        return restore_order(from_grouped(grouped, self.dtype), self.order)
