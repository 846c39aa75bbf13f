"""Attention over a paged cache of keys and values.

A step knows how its tokens see one another (`AttentionPlan`); the model only calls `attend`.
Rotary is already applied to queries and keys, and keys and values are in the cache.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.native import HeadCounts, NativeKernels


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
    kernels: NativeKernels | None = None

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
class PrefillPlan:
    """Whole prompts, one after another: each attends causally to itself alone."""

    lengths: Sequence[int]
    slots: Tensor  # [T]

    def attend(self, qkv: Tensor, layer: HeadAttention, cache: LayerCache) -> Tensor:
        """See AttentionPlan. Prompts differ in length, so each is a call of its own."""
        queries, keys, values = layer.split(qkv)
        group = queries.shape[1] // keys.shape[1]
        heads = (queries, keys.repeat_interleave(group, 1), values.repeat_interleave(group, 1))
        outputs = []
        for prompt in zip(*(tokens.split(list(self.lengths)) for tokens in heads), strict=True):
            query, key, value = (tokens.transpose(0, 1)[None] for tokens in prompt)  # [1, H, t, D]
            output = functional.scaled_dot_product_attention(
                query, key, value, is_causal=True, scale=layer.scale
            )
            outputs.append(output[0].transpose(0, 1))
        return torch.cat(outputs).flatten(1)


@dataclass(frozen=True, slots=True)
class DecodePlan:
    """One token for each sequence, attending to all that the sequence has in the cache."""

    slots: Tensor  # [B]
    block_tables: Tensor  # [B, N], padded with block 0
    lengths: Tensor  # [B] tokens in the cache, the new one included
    _masks: dict[torch.dtype, Tensor] = field(default_factory=dict)  # one, made when needed

    def attend(self, qkv: Tensor, layer: HeadAttention, cache: LayerCache) -> Tensor:
        """See AttentionPlan."""
        if layer.kernels is not None:
            return layer.kernels.attend(
                qkv, layer.heads, cache.keys, cache.values, self.block_tables, self.lengths,
                layer.scale, 0.0, 0,
            )  # fmt: skip
        return self._gather(qkv, layer, cache)

    def _gather(self, qkv: Tensor, layer: HeadAttention, cache: LayerCache) -> Tensor:
        """Copies the context together. Query heads that share a KV head are its rows."""
        queries, keys, _ = layer.split(qkv)
        batch, kv_heads, dim = keys.shape
        grouped = queries.reshape(batch, kv_heads, -1, dim)  # [B, K, H/K, D]
        past_keys = cache.keys[self.block_tables].flatten(1, 2).transpose(1, 2)  # [B, K, L, D]
        past_values = cache.values[self.block_tables].flatten(1, 2).transpose(1, 2)
        output = functional.scaled_dot_product_attention(
            grouped,
            past_keys,
            past_values,
            attn_mask=self._mask(queries.dtype, past_keys.shape[2]),
            scale=layer.scale,
        )
        return output.reshape(batch, -1)

    def _mask(self, dtype: torch.dtype, width: int) -> Tensor:
        if dtype not in self._masks:
            self._masks[dtype] = context_mask(self.lengths, width, dtype)
        return self._masks[dtype]


def context_mask(lengths: Tensor, width: int, dtype: torch.dtype) -> Tensor:
    """[B] context lengths -> [B, 1, 1, width], 0 inside the context and -inf beyond it."""
    outside = torch.arange(width, device=lengths.device) >= lengths[:, None]
    mask = torch.zeros(outside.shape, dtype=dtype, device=lengths.device)
    return mask.masked_fill_(outside, float("-inf"))[:, None, None, :]
