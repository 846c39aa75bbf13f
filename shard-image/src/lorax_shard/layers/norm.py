"""Root mean square normalisation."""

import torch
from torch import Tensor

from lorax_shard.layers.linear import TensorReader


class RmsNorm:
    """x / rms(x) * weight, the mean taken in float32 whatever the dtype of the model."""

    weight: Tensor  # [hidden]

    def __init__(self, name: str, size: int, epsilon: float) -> None:
        self._name = name
        self._size = size
        self._epsilon = epsilon

    def load(self, reader: TensorReader) -> None:
        """Reads the weight; every shard holds all of it."""
        self.weight = reader.read(f"{self._name}.weight", (self._size,))

    def __call__(self, x: Tensor) -> Tensor:
        """[T, hidden] -> [T, hidden]."""
        wide = x.to(torch.float32)
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self._epsilon)
        return self.weight * (wide * scale).to(x.dtype)
