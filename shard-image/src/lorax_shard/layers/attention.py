"""Attention over a paged cache of keys and values.

A step knows how its tokens see one another (`AttentionPlan`); the model only calls `attend`.
Rotary is already applied to queries and keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class LayerCache:
    """Keys and values of one layer, each [blocks, block_size, K, D]."""

    keys: Tensor
    values: Tensor

    def write(self, slots: Tensor, keys: Tensor, values: Tensor) -> None:
        """Stores keys and values, [T, K, D], at slots [T] = block * block_size + offset."""
        self.keys.flatten(0, 1).index_copy_(0, slots, keys)
        self.values.flatten(0, 1).index_copy_(0, slots, values)


class AttentionPlan(Protocol):
    """How the tokens of one step attend."""

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, cache: LayerCache) -> Tensor:
        """[T, H, D], [T, K, D], [T, K, D] -> [T, H, D]; keys and values enter the cache."""


@dataclass(frozen=True, slots=True)
class PrefillPlan:
    """Whole prompts, one after another: each attends causally to itself alone."""

    lengths: Sequence[int]
    slots: Tensor  # [T]

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, cache: LayerCache) -> Tensor:
        """See AttentionPlan. Prompts differ in length, so each is a call of its own."""
        cache.write(self.slots, keys, values)
        group = queries.shape[1] // keys.shape[1]
        heads = (queries, keys.repeat_interleave(group, 1), values.repeat_interleave(group, 1))
        outputs = []
        for prompt in zip(*(tokens.split(list(self.lengths)) for tokens in heads), strict=True):
            query, key, value = (tokens.transpose(0, 1)[None] for tokens in prompt)  # [1, H, t, D]
            output = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
            outputs.append(output[0].transpose(0, 1))
        return torch.cat(outputs)


@dataclass(frozen=True, slots=True)
class DecodePlan:
    """One token for each sequence, attending to all that the sequence has in the cache."""

    slots: Tensor  # [B]
    block_tables: Tensor  # [B, N], padded with block 0
    mask: Tensor  # [B, 1, 1, N * block_size], -inf beyond the context

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, cache: LayerCache) -> Tensor:
        """See AttentionPlan. Query heads that share a KV head are its rows: nothing is repeated."""
        cache.write(self.slots, keys, values)
        batch, kv_heads, dim = keys.shape
        grouped = queries.view(batch, kv_heads, -1, dim)  # [B, K, H/K, D]
        past_keys = cache.keys[self.block_tables].flatten(1, 2).transpose(1, 2)  # [B, K, L, D]
        past_values = cache.values[self.block_tables].flatten(1, 2).transpose(1, 2)
        output = functional.scaled_dot_product_attention(
            grouped, past_keys, past_values, attn_mask=self.mask
        )
        return output.reshape(batch, -1, dim)


def context_mask(lengths: Tensor, width: int, dtype: torch.dtype) -> Tensor:
    """[B] context lengths -> [B, 1, 1, width], 0 inside the context and -inf beyond it."""
    outside = torch.arange(width, device=lengths.device) >= lengths[:, None]
    mask = torch.zeros(outside.shape, dtype=dtype, device=lengths.device)
    return mask.masked_fill_(outside, float("-inf"))[:, None, None, :]
