"""Weights of linear layers in fewer bits: 8 with a scale for each output, or 4 in small groups.

Only weights: activations and adapters keep their dtype, and products are added up in float32.
"""

from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor
from torch.nn import functional

_LARGEST = 127  # symmetric: -128 would have no counterpart
GROUP = 32  # inputs of an output that share a scale and a least value in int4; the kernels' too
_MOST = 15  # of 4 bits
_ROWS = 512  # outputs that are quantised at a time, so that scratch in float32 stays small


class Quantisation(Enum):
    """How linear layers keep their weights; the names are those of --quantize."""

    INT8 = "int8"
    INT4 = "int4"

    @property
    def of_head(self) -> "Quantisation":
        """What the output head is kept in: in 4 bits it would cost more than all layers do."""
        return Quantisation.INT8

    @property
    def bits(self) -> int:
        """Of each number, with those of its group; the scales of int8 are too few to count."""
        return 8 if self is Quantisation.INT8 else 4 + 2 * 16 // GROUP


def to_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """A weight [out, in] -> numbers [out, in] in int8 and scales [out] in float32.

    weight is numbers * scales to within half a scale. An output of zeroes has scale 0.
    """
    numbers = torch.empty_like(weight, dtype=torch.int8)
    scales = weight.new_empty(len(weight), dtype=torch.float32)
    for first in range(0, len(weight), _ROWS):
        rows = slice(first, first + _ROWS)
        part = weight[rows].float()
        scale = part.abs().amax(1) / _LARGEST
        # The smallest positive float32 has no reciprocal, and zero has none either.
        divisor = torch.where(scale > 0, scale, 1.0)
        numbers[rows] = (part / divisor[:, None]).round_().clamp_(-_LARGEST, _LARGEST)
        scales[rows] = scale
    return numbers, scales


def from_int8(numbers: Tensor, scales: Tensor, dtype: torch.dtype) -> Tensor:
    """The weight [out, in] again, rounded to dtype."""
    if dtype is torch.float32:
        return numbers * scales[:, None]
    weight = torch.empty_like(numbers, dtype=dtype)
    for first in range(0, len(numbers), _ROWS):
        rows = slice(first, first + _ROWS)
        weight[rows] = numbers[rows] * scales[rows, None]
    return weight


@dataclass(frozen=True, slots=True)
class Int4Numbers:
    """A weight [out, in] in 4 bits. The last group of an output is filled up with zeroes."""

    pairs: Tensor  # [out, groups * 16] in uint8; the lower half of a byte is the first of two
    scales: Tensor  # [out, groups] in bfloat16
    minimums: Tensor  # [out, groups] in bfloat16
    in_features: int


def to_int4(weight: Tensor) -> Int4Numbers:
    """A weight [out, in] -> numbers from 0 to 15, times the scale of their group, plus its least.

    Scale and least are rounded first, and the numbers are those that fit them then: the error is
    half a scale, and where bfloat16 rounds the range down a little more.
    """
    out, depth = weight.shape
    groups = -(-depth // GROUP)
    pairs = torch.empty(out, groups * GROUP // 2, dtype=torch.uint8, device=weight.device)
    scales = torch.empty(out, groups, dtype=torch.bfloat16, device=weight.device)
    minimums = torch.empty_like(scales)
    for first in range(0, out, _ROWS):
        rows = slice(first, first + _ROWS)
        part = weight[rows].float()
        # The last value again and again, so that filling up widens no range.
        filled = functional.pad(part[None], (0, groups * GROUP - depth), mode="replicate")[0]
        grouped = filled.view(len(part), groups, GROUP)
        least = grouped.amin(2).bfloat16()
        scale = ((grouped.amax(2) - least.float()) / _MOST).bfloat16()
        divisor = torch.where(scale > 0, scale.float(), 1.0)
        numbers = (grouped - least.float()[:, :, None]) / divisor[:, :, None]
        numbers = numbers.round_().clamp_(0, _MOST).to(torch.uint8).view(len(part), -1, 2)
        pairs[rows] = numbers[:, :, 0] | (numbers[:, :, 1] << 4)
        scales[rows], minimums[rows] = scale, least
    return Int4Numbers(pairs, scales, minimums, depth)


def from_int4(numbers: Int4Numbers, dtype: torch.dtype) -> Tensor:
    """The weight [out, in] again, rounded to dtype."""
    out, groups = numbers.scales.shape
    weight = numbers.scales.new_empty(out, numbers.in_features, dtype=dtype)
    for first in range(0, out, _ROWS):
        rows = slice(first, first + _ROWS)
        pairs = numbers.pairs[rows]
        each = torch.stack((pairs & _MOST, pairs >> 4), 2).view(len(pairs), groups, GROUP)
        whole = each * numbers.scales[rows].float()[:, :, None]
        whole += numbers.minimums[rows].float()[:, :, None]
        weight[rows] = whole.view(len(pairs), -1)[:, : numbers.in_features]
    return weight
