"""What generates: a decoder of ours, or one that transformers computes."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor

from lorax_shard.layers.attention import LayerCache
from lorax_shard.layers.lora_linear import LoraLinear
from lorax_shard.layers.step import StepContext


class DecoderConfig(Protocol):
    """What those who run a decoder need to know of it."""

    @property
    def vocab_size(self) -> int:
        """Rows of the embedding, and columns of the logits."""

    @property
    def hidden_size(self) -> int:
        """Numbers of a token's hidden state."""

    @property
    def max_positions(self) -> int:
        """Tokens of prompt and answer together."""

    @property
    def is_causal(self) -> bool:
        """Whether a token sees no others than those before it."""

    @property
    def layers(self) -> int:
        """Layers that keep keys and values."""

    @property
    def head_dim(self) -> int:
        """Numbers of one key or value."""

    @property
    def dtype(self) -> torch.dtype:
        """Of weights, adapters and cache."""


class Decoder(Protocol):
    """A model on this shard. Confined to the compute thread."""

    @property
    def config(self) -> DecoderConfig:
        """What it is like."""

    @property
    def kv_heads(self) -> int:
        """Key-value heads that this shard keeps in its cache."""

    @property
    def is_capturable(self) -> bool:
        """Whether steps of one shape launch the same kernels, whatever their tokens are."""

    def linears(self) -> Iterator[LoraLinear]:
        """Every place that adapters can touch."""

    def forward(self, step: StepContext, cache: Sequence[LayerCache]) -> Tensor:
        """Runs one step: writes the cache, returns float32 logits [rows wanted, vocab]."""

    def hidden_states(self, step: StepContext, cache: Sequence[LayerCache]) -> Tensor:
        """Runs one step: writes the cache, returns what the head reads, [rows wanted, hidden]."""
