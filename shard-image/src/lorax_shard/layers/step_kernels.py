"""What a decoder computes between its products, by kernels for its device."""

from typing import Protocol

import torch
from torch import Tensor

from lorax_shard.layers.native import HeadCounts, native_kernels, uses_triton


class StepKernels(Protocol):
    """Kernels that each do what takes PyTorch several operators."""

    @property
    def is_wide(self) -> bool:
        """Whether activations and norms are float32, whatever the weights are."""

    def norm(self, hidden: Tensor, added: Tensor | None, weight: Tensor, epsilon: float) -> Tensor:
        """Hidden [T, n] += added, in place, then hidden / rms(hidden) * weight."""

    def place(
        self, qkv: Tensor, heads: HeadCounts, cosine: Tensor, sine: Tensor,
        norms: tuple[Tensor, Tensor] | None, epsilon: float, slots: Tensor,
        keys: Tensor, values: Tensor,
    ) -> None:  # fmt: skip
        """Normalises and rotates the heads of qkv [T, heads * D], in place, and fills the cache.

        cosine, sine: [T, 1, half]; norms: of query and key heads, [D] each; slots: [T].
        """

    def attend(
        self, qkv: Tensor, heads: HeadCounts, keys: Tensor, values: Tensor, tables: Tensor,
        lengths: Tensor, scale: float, cap: float, window: int,
    ) -> Tensor:  # fmt: skip
        """One token of each sequence over its blocks: qkv as place() leaves it -> [B, H * D].

        keys, values: [blocks, 16, K, D]; tables: [B, N]; lengths: [B]; cap and window may be 0.
        """

    def gate(self, both: Tensor, gelu: bool) -> Tensor:
        """[T, 2n], gates before what they gate -> [T, n]."""


def step_kernels(device: torch.device, dtype: torch.dtype) -> StepKernels | None:
    """Those for a model of this dtype on this device, where there are any."""
    if uses_triton(device):
        from lorax_shard.layers.triton_step import TritonKernels

        return TritonKernels()
    return native_kernels(device, dtype)
