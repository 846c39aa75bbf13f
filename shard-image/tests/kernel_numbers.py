"""What the CPU kernels make of the numbers that they multiply."""

import torch
from torch import Tensor

from lorax_shard.layers.native import usable_levels


def taken(numbers: Tensor, dtype: torch.dtype, level: str | None = None) -> Tensor:
    """Numbers as products with a model of this dtype take them, in float64.

    By the kernels of a level, else by the best that this processor has.
    """
    level = level or next(iter(usable_levels()), "")
    rounds = level.endswith("bf16") and dtype is torch.bfloat16
    return (numbers.bfloat16() if rounds else numbers).double()
