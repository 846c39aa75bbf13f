"""Normalisation: by the root mean square, or by mean and variance."""

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.linear import TensorReader
from lorax_shard.layers.native import native_kernels
from lorax_shard.layers.step_kernels import StepKernels, step_kernels


class RmsNorm:
    """x / rms(x) * weight, the mean taken in float32 whatever the dtype of the model.

    With an offset the factor is 1 + weight, and all of it is float32.
    """

    weight: Tensor  # [hidden]; float32 for kernels that are wide
    _kernels: StepKernels | None = None

    def __init__(self, name: str, size: int, epsilon: float, offset: bool = False) -> None:
        self._name = name
        self._size = size
        self._epsilon = epsilon
        self._offset = offset

    def load(self, reader: TensorReader) -> None:
        """Reads the weight; every shard holds all of it."""
        self.weight = reader.read(f"{self._name}.weight", (self._size,))
        self._kernels = step_kernels(self.weight.device, self.weight.dtype)
        if self._offset or (self._kernels is not None and self._kernels.is_wide):
            self.weight = self.weight.float()
        if self._offset:
            self.weight = self.weight + 1.0

    def add(self, hidden: Tensor, added: Tensor) -> tuple[Tensor, Tensor]:
        """The sum, which may take the place of hidden, and the sum normalised; [T, hidden] each."""
        if self._kernels is not None:
            normalised = self._kernels.norm(hidden, added, self.weight, self._epsilon)
            return hidden, normalised
        hidden = hidden + added
        return hidden, self(hidden)

    def __call__(self, x: Tensor) -> Tensor:
        """[..., size] -> the same; the kernels take [T, size]."""
        if self._kernels is not None:
            return self._kernels.norm(x, None, self.weight, self._epsilon)
        wide = x.to(torch.float32)
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self._epsilon)
        if self._offset:
            return (self.weight * (wide * scale)).to(x.dtype)
        return self.weight * (wide * scale).to(x.dtype)


class LayerNorm:
    """(x - mean(x)) / deviation(x) * weight + bias."""

    weight: Tensor  # [size]; float32 where the kernels compute
    bias: Tensor

    def __init__(self, name: str, size: int, epsilon: float) -> None:
        self._name = name
        self._size = size
        self._epsilon = epsilon

    def load(self, reader: TensorReader) -> None:
        """Reads weight and bias; every shard holds all of them."""
        weight = reader.read(f"{self._name}.weight", (self._size,))
        bias = reader.read(f"{self._name}.bias", (self._size,))
        wide = native_kernels(weight.device, weight.dtype) is not None
        self.weight = weight.float() if wide else weight
        self.bias = bias.float() if wide else bias

    def __call__(self, x: Tensor) -> Tensor:
        """[..., size] -> the same."""
        return functional.layer_norm(x, (self._size,), self.weight, self.bias, self._epsilon)
