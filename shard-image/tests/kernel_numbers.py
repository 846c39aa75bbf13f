"""What the CPU kernels make of the numbers that they multiply."""

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.native import usable_levels


def rounds(dtype: torch.dtype, level: str | None = None) -> bool:
    """Whether products with a model of this dtype round what they multiply.

    By the kernels of a level, else by the best that this processor has.
    """
    level = level or next(iter(usable_levels()), "")
    return level.endswith("bf16") and dtype is torch.bfloat16


def taken_by_integers(x: Tensor, dtype: torch.dtype, level: str | None = None) -> Tensor:
    """Inputs [T, in] as products with integers take them, in float64: 32 bytes with a scale."""
    level = level or next(iter(usable_levels()), "")
    if not level.endswith(("bf16", "vnni")) or dtype is not torch.bfloat16:
        return x.double()
    runs = functional.pad(x, (0, -x.shape[1] % 32)).unflatten(1, (-1, 32))
    largest = runs.abs().amax(2, keepdim=True)
    factor = torch.where(largest > 0, 127 / largest, 0.0)
    scaled = (runs * factor).round().double() * (largest / 127).double()
    return scaled.flatten(1)[:, : x.shape[1]]


def taken(numbers: Tensor, dtype: torch.dtype, level: str | None = None) -> Tensor:
    """Numbers as products with a model of this dtype take them, in float64."""
    return (numbers.bfloat16() if rounds(dtype, level) else numbers).double()
