"""How a linear layer keeps its weight, and multiplies by it: as it is, packed, or quantised."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.grouped import GroupedNumbers, are_alike, join
from lorax_shard.layers.grouped_weight import DECODED_ROWS, keep_grouped
from lorax_shard.layers.native import NativeKernels, native_kernels, uses_triton
from lorax_shard.layers.native_weights import PackedInt4, PackedInt8, PackedWeight
from lorax_shard.layers.quantisation import (
    Int4Numbers,
    Quantisation,
    from_int4,
    from_int8,
    to_int4,
    to_int8,
)

# A weight [out, in] as a checkpoint has it.
ReadWeight: TypeAlias = Tensor | GroupedNumbers


class KeptWeight(Protocol):
    """A weight [out, in] of one linear layer on this shard."""

    @property
    def in_features(self) -> int:
        """Columns of the weight."""

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """[T, in] -> [T, out], in the dtype of x. The kernels want the bias in float32."""

    def whole(self) -> Tensor:
        """The weight [out, in] in the dtype of the model, dequantised; it may be a view."""


def keep_weight(parts: Sequence[ReadWeight], quantisation: Quantisation | None) -> KeptWeight:
    """Weights [out_p, in] of one input, under one another, for their device and dtype.

    What the checkpoint has in few bits stays exactly that; the rest is kept by quantisation.
    """
    kept: list[KeptWeight] = []
    widths = []
    for run in _runs(parts):
        widths.append(sum(map(len, run)))
        grouped = [part for part in run if isinstance(part, GroupedNumbers)]
        if grouped:
            numbers = join(grouped)
            kept.append(keep_grouped(numbers, native_kernels(numbers.device, numbers.dtype)))
        else:
            plain = [part for part in run if isinstance(part, Tensor)]
            kept.append(_keep_plain(plain, quantisation))
    return kept[0] if len(kept) == 1 else SeparateWeights(kept, widths)


def _runs(parts: Sequence[ReadWeight]) -> list[list[ReadWeight]]:
    """Neighbours that can be kept as one."""
    runs: list[list[ReadWeight]] = []
    for part in parts:
        if runs and _fit(runs[-1][0], part):
            runs[-1].append(part)
        else:
            runs.append([part])
    return runs


def _fit(one: ReadWeight, other: ReadWeight) -> bool:
    if isinstance(one, GroupedNumbers) and isinstance(other, GroupedNumbers):
        return are_alike(one, other)
    return isinstance(one, Tensor) and isinstance(other, Tensor)


def _keep_plain(parts: Sequence[Tensor], quantisation: Quantisation | None) -> KeptWeight:
    """One part at a time is quantised; without scratch as large as all of them."""
    kernels = native_kernels(parts[0].device, parts[0].dtype)
    if quantisation is None:
        if kernels is not None:
            # Straight from the mapped file: putting them together first would copy them twice.
            return NativeWeight(kernels.pack(*parts), kernels)
        return PlainWeight(torch.cat(list(parts)) if len(parts) > 1 else parts[0])
    if quantisation is Quantisation.INT4:
        return _keep_int4(parts, kernels)
    quantised = [to_int8(part) for part in parts]
    numbers = [part for part, _ in quantised]
    scales = torch.cat([part for _, part in quantised])
    if kernels is not None:
        return NativeInt8Weight(kernels.pack_int8(numbers, scales), parts[0].dtype, kernels)
    kind = TritonInt8Weight if uses_triton(parts[0].device) else Int8Weight
    return kind(torch.cat(numbers), scales, parts[0].dtype)


def _keep_int4(parts: Sequence[Tensor], kernels: NativeKernels | None) -> KeptWeight:
    each = [to_int4(part) for part in parts]
    numbers = Int4Numbers(
        torch.cat([part.pairs for part in each]),
        torch.cat([part.scales for part in each]),
        torch.cat([part.minimums for part in each]),
        each[0].in_features,
    )
    if kernels is None:
        kind = TritonInt4Weight if uses_triton(numbers.pairs.device) else Int4Weight
        return kind(numbers, parts[0].dtype)
    return NativeInt4Weight(kernels.pack_int4(numbers), parts[0].dtype, kernels)


@dataclass(frozen=True, slots=True)
class SeparateWeights:
    """Projections of one input that are kept in different ways."""

    kept: Sequence[KeptWeight]
    widths: Sequence[int]  # outputs of each

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.kept[0].in_features

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        biases = [None] * len(self.kept) if bias is None else bias.split(list(self.widths))
        parts = [each.multiply(x, part) for each, part in zip(self.kept, biases, strict=True)]
        return torch.cat(parts, 1)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        return torch.cat([each.whole() for each in self.kept])


@dataclass(frozen=True, slots=True)
class PlainWeight:
    """As PyTorch's operators want it."""

    weight: Tensor  # [out, in]

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.weight.shape[1]

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        return functional.linear(x, self.weight, bias)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        return self.weight


@dataclass(frozen=True, slots=True)
class NativeWeight:
    """As the CPU kernels want it."""

    packed: PackedWeight
    kernels: NativeKernels

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.packed.in_features

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        return self.kernels.linear(x, self.packed, bias)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        return self.kernels.unpack(self.packed)


@dataclass(frozen=True, slots=True)
class Int8Weight:
    """Quantised, for PyTorch's operators: each product makes the weight anew and forgets it."""

    numbers: Tensor  # [out, in] in int8
    scales: Tensor  # [out] in float32
    dtype: torch.dtype  # of the model

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.numbers.shape[1]

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        return functional.linear(x, from_int8(self.numbers, self.scales, x.dtype), bias)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        return from_int8(self.numbers, self.scales, self.dtype)


class TritonInt8Weight(Int8Weight):
    """Quantised, on a GPU: a few rows are multiplied by the numbers as they are."""

    __slots__ = ()

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        if x.shape[0] > DECODED_ROWS:
            return super().multiply(x, bias)
        from lorax_shard.layers.triton_weights import multiply_int8

        return multiply_int8(x, self.numbers, self.scales, bias)


@dataclass(frozen=True, slots=True)
class NativeInt8Weight:
    """Quantised, as the CPU kernels want it."""

    packed: PackedInt8
    dtype: torch.dtype  # of the model
    kernels: NativeKernels

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.packed.in_features

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        return self.kernels.linear_int8(x, self.packed, bias, self.dtype)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        return from_int8(*self.kernels.unpack_int8(self.packed), self.dtype)


@dataclass(frozen=True, slots=True)
class Int4Weight:
    """In groups of 4 bits, for PyTorch's operators: each product makes the weight anew."""

    numbers: Int4Numbers
    dtype: torch.dtype  # of the model

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.numbers.in_features

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        return functional.linear(x, from_int4(self.numbers, x.dtype), bias)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        return from_int4(self.numbers, self.dtype)


class TritonInt4Weight(Int4Weight):
    """In groups of 4 bits, on a GPU: a few rows are multiplied by the numbers as they are."""

    __slots__ = ()

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        if x.shape[0] > DECODED_ROWS:
            return super().multiply(x, bias)
        from lorax_shard.layers.triton_weights import multiply_int4

        return multiply_int4(x, self.numbers, bias)


@dataclass(frozen=True, slots=True)
class NativeInt4Weight:
    """In groups of 4 bits, as the CPU kernels want it."""

    packed: PackedInt4
    dtype: torch.dtype  # of the model
    kernels: NativeKernels

    @property
    def in_features(self) -> int:
        """See KeptWeight."""
        return self.packed.in_features

    def multiply(self, x: Tensor, bias: Tensor | None) -> Tensor:
        """See KeptWeight."""
        return self.kernels.linear_int4(x, self.packed, bias, self.dtype)

    def whole(self) -> Tensor:
        """See KeptWeight."""
        return from_int4(self.kernels.unpack_int4(self.packed), self.dtype)
