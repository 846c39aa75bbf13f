"""What the CPU kernels make of the numbers that they multiply."""

import torch
from torch import Tensor

from lorax_shard.layers.native import usable_levels


def rounds(dtype: torch.dtype, level: str | None = None) -> bool:
    """Whether products with a model of this dtype round what they multiply.

    By the kernels of a level, else by the best that this processor has.
    """
    level = level or next(iter(usable_levels()), "")
    return level.endswith("bf16") and dtype is torch.bfloat16


def taken(numbers: Tensor, dtype: torch.dtype, level: str | None = None) -> Tensor:
    """Numbers as products with a model of this dtype take them, in float64."""
    return (numbers.bfloat16() if rounds(dtype, level) else numbers).double()
