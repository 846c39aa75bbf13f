"""Weights of linear layers in fewer bits: numbers of 8 bits and a scale for each output.

Only weights: activations and adapters keep their dtype, and products are added up in float32.
"""

from enum import Enum

import torch
from torch import Tensor

_LARGEST = 127  # symmetric: -128 would have no counterpart
_ROWS = 512  # outputs that are quantised at a time, so that scratch in float32 stays small


class Quantisation(Enum):
    """How linear layers keep their weights; the names are those of --quantize."""

    INT8 = "int8"

    @property
    def bits(self) -> int:
        """Of each number."""
        return 8


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
