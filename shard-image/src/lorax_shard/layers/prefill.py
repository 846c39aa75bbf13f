"""Attention of a step that computes prompts, or parts of them, beside tokens that are decoded.

A part of a prompt attends to what the cache holds of its sequence and, causally, to itself. What it
sees of the rest does not depend on how the prompt was cut: keys and values count as the cache keeps
them, rounded to its dtype, also where they come straight from this step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.attention import DecodePlan, HeadAttention, LayerCache, masked


@dataclass(frozen=True, slots=True)
class Span:
    """Neighbouring tokens of one sequence, and what comes before them in the cache."""

    first_row: int  # of the step
    length: int
    start: int  # tokens of the sequence that are in the cache already
    blocks: Tensor | None  # [N] those that hold 0..start + length; None where start is 0

    @property
    def rows(self) -> slice:
        """The rows of the step."""
        return slice(self.first_row, self.first_row + self.length)


@dataclass(frozen=True, slots=True)
class DecodedRows:
    """The rows of a step that are one token of a sequence each."""

    rows: Tensor  # [B]
    plan: DecodePlan


@dataclass(frozen=True, slots=True)
class PrefillPlan:
    """Spans of prompts, each attending to its own sequence, and the tokens decoded beside them."""

    spans: Sequence[Span]
    slots: Tensor  # [T]
    decoded: DecodedRows | None = None
    _masks: dict[tuple[int, int], Tensor] = field(default_factory=dict)  # by first row and window

    def attend(self, qkv: Tensor, layer: HeadAttention, cache: LayerCache) -> Tensor:
        """See AttentionPlan. Spans differ in length, so each is a call of its own."""
        outputs = qkv.new_empty(len(qkv), layer.heads.queries * layer.heads.dim)
        for span in self.spans:
            outputs[span.rows] = self._attend_span(span, qkv[span.rows], layer, cache)
        if self.decoded is not None:
            rows, plan = self.decoded.rows, self.decoded.plan
            outputs[rows] = plan.attend(qkv[rows], layer, cache)
        return outputs

    def _attend_span(
        self, span: Span, qkv: Tensor, layer: HeadAttention, cache: LayerCache
    ) -> Tensor:
        queries, keys, values = layer.split(qkv)
        if span.blocks is None:
            keys, values = keys.to(cache.keys.dtype), values.to(cache.values.dtype)
        else:
            seen = span.start + span.length
            keys = cache.keys[span.blocks].flatten(0, 1)[:seen]
            values = cache.values[span.blocks].flatten(0, 1)[:seen]
        group = queries.shape[1] // keys.shape[1]
        query = queries.transpose(0, 1)[None]  # [1, H, t, D]
        key, value = (
            tokens.to(queries.dtype).repeat_interleave(group, 1).transpose(0, 1)[None]
            for tokens in (keys, values)
        )  # [1, H, start + t, D]
        if span.start == 0 and not layer.cap and not 0 < layer.window < span.length:
            output = functional.scaled_dot_product_attention(
                query, key, value, is_causal=True, scale=layer.scale
            )
        else:
            output = masked(query, key, value, self._mask(span, layer.window, query.dtype), layer)
        return output[0].transpose(0, 1).flatten(1)

    def _mask(self, span: Span, window: int, dtype: torch.dtype) -> Tensor:
        """[t, start + t], 0 where a token looks and -inf elsewhere; the same for all layers."""
        place = (span.first_row, window)
        if place not in self._masks:
            self._masks[place] = _span_mask(span, window, dtype, self.slots.device)
        return self._masks[place]


def _span_mask(span: Span, window: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    shape = (span.length, span.start + span.length)
    seen = torch.ones(shape, dtype=torch.bool, device=device).tril(span.start)
    if window:
        seen = seen.triu(span.start + 1 - window)
    return torch.zeros(shape, dtype=dtype, device=device).masked_fill_(~seen, float("-inf"))
