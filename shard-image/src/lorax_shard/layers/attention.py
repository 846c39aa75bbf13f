"""Attention over a paged cache of keys and values.

A step knows how its tokens see one another (`AttentionPlan`); the model only calls `attend`.
Rotary is already applied to queries and keys, and keys and values are in the cache.
"""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.native import HeadCounts
from lorax_shard.layers.step_kernels import StepKernels


@dataclass(frozen=True, slots=True)
class LayerCache:
    """Keys and values of one layer, each [blocks, block_size, K, D]."""

    keys: Tensor
    values: Tensor

    def write(self, slots: Tensor, keys: Tensor, values: Tensor) -> None:
        """Stores keys and values, [T, K, D], at slots [T] = block * block_size + offset."""
        self.keys.flatten(0, 1).index_copy_(0, slots, keys)
        self.values.flatten(0, 1).index_copy_(0, slots, values)


@dataclass(frozen=True, slots=True)
class HeadAttention:
    """The heads of one layer on one shard and what is done with their scores."""

    heads: HeadCounts
    scale: float
    cap: float = 0.0  # scores are cap * tanh(score / cap); 0 = not capped
    window: int = 0  # tokens that are looked at, the current one included; 0 = all
    kernels: StepKernels | None = None

    def split(self, qkv: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """[T, (H + 2K) * D] -> [T, H, D], [T, K, D], [T, K, D], as views."""
        by_head = qkv.unflatten(1, (-1, self.heads.dim))
        queries, keys, values = by_head.split([self.heads.queries, self.heads.kv, self.heads.kv], 1)
        return queries, keys, values


class AttentionPlan(Protocol):
    """How the tokens of one step attend."""

    @property
    def slots(self) -> Tensor:
        """[T] places of the tokens in the cache."""

    def attend(self, qkv: Tensor, layer: HeadAttention, cache: LayerCache) -> Tensor:
        """[T, (H + 2K) * D] -> [T, H * D]; keys and values are in the cache already."""


@dataclass(frozen=True, slots=True)
class DecodePlan:
    """A row is one token, attending to all that its sequence has in the cache up to there."""

    slots: Tensor  # [B]
    block_tables: Tensor  # [B, N], padded with block 0
    lengths: Tensor  # [B] tokens in the cache, the new one included
    # Whether rows of one sequence follow one another: then the cache holds, behind what a row looks
    # at, what the step makes of tokens that may be refused, NaN perhaps.
    has_followers: bool = False
    # Tokens that each sequence can come to have behind these, in the same tables.
    room: int = 0
    _masks: dict[int, Tensor] = field(default_factory=dict)  # by window, made when needed

    def attend(self, qkv: Tensor, layer: HeadAttention, cache: LayerCache) -> Tensor:
        """See AttentionPlan."""
        if layer.kernels is not None:
            return layer.kernels.attend(
                qkv, layer.heads, cache.keys, cache.values, self.block_tables, self.lengths,
                layer.scale, layer.cap, layer.window,
            )  # fmt: skip
        return self._gather(qkv, layer, cache)

    def _gather(self, qkv: Tensor, layer: HeadAttention, cache: LayerCache) -> Tensor:
        """Copies the context together. Query heads that share a KV head are its rows."""
        queries, keys, _ = layer.split(qkv)
        batch, kv_heads, dim = keys.shape
        grouped = queries.reshape(batch, kv_heads, -1, dim)  # [B, K, H/K, D]
        past_keys = cache.keys[self.block_tables].flatten(1, 2).transpose(1, 2)  # [B, K, L, D]
        past_values = cache.values[self.block_tables].flatten(1, 2).transpose(1, 2)
        mask = self._mask(layer.window, queries.dtype, past_keys.shape[2])
        if self.has_followers:
            unseen = mask.isinf().transpose(2, 3)  # [B, 1, L, 1]
            past_keys.masked_fill_(unseen, 0)
            past_values.masked_fill_(unseen, 0)
        output = masked(grouped, past_keys, past_values, mask, layer)
        return output.reshape(batch, -1)

    def _mask(self, window: int, dtype: torch.dtype, width: int) -> Tensor:
        if window not in self._masks:
            self._masks[window] = context_mask(self.lengths, window, width, dtype)
        return self._masks[window]


def context_mask(lengths: Tensor, window: int, width: int, dtype: torch.dtype) -> Tensor:
    """[B] context lengths -> [B, 1, 1, width], 0 inside the context and -inf outside of it."""
    places = torch.arange(width, device=lengths.device)
    outside = places >= lengths[:, None]
    if window:
        outside |= places < (lengths - window)[:, None]
    mask = torch.zeros(outside.shape, dtype=dtype, device=lengths.device)
    return mask.masked_fill_(outside, float("-inf"))[:, None, None, :]


def masked(query: Tensor, key: Tensor, value: Tensor, mask: Tensor, layer: HeadAttention) -> Tensor:
    """Queries [.., t, D] over keys and values [.., s, D]; the mask is added to the scores."""
    if not layer.cap:
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, scale=layer.scale
        )
    scores = query @ key.transpose(-1, -2) * layer.scale
    scores = layer.cap * torch.tanh(scores / layer.cap) + mask
    return scores.softmax(-1, dtype=torch.float32).to(value.dtype) @ value
