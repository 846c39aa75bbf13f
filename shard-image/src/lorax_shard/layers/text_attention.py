"""Attention of whole texts to themselves, in both directions and without a cache."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.attention import HeadAttention, LayerCache, masked

# Texts are attended to together when their lengths round up to the same multiple of this. Linear
# layers never see padding; attention sees at most this many tokens of it per text.
_LENGTH_STEP = 32


@dataclass(frozen=True, slots=True)
class _Group:
    """Texts of about the same length L, as rows of a step."""

    rows: Tensor  # [n, L]; padding repeats the text's first row
    places: Tensor | None  # [t] places of n * L that are no padding; None = all
    tokens: Tensor  # [t] the rows there
    mask: Tensor | None  # [n, 1, 1, L], False for padding; None without

    def put(self, attended: Tensor, output: Tensor) -> None:
        """Puts [n, H, L, D] to where they belong in [T, H * D]."""
        rows = attended.transpose(1, 2).flatten(2).flatten(0, 1)  # [n * L, H * D]
        output[self.tokens] = rows if self.places is None else rows[self.places]


class TextAttention:
    """How the tokens of texts that lie one after another attend: each text to all of itself.

    Letters: T tokens of the step, H heads of this shard, D head dimension.
    """

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self._tokens = sum(lengths)
        self._groups = _groups(lengths, device)

    def attend(self, qkv: Tensor, heads: int) -> Tensor:
        """[T, 3 * H * D], queries before keys before values -> [T, H * D]."""
        output = qkv.new_empty(self._tokens, qkv.shape[1] // 3)
        for group in self._groups:
            texts = qkv[group.rows].unflatten(2, (3, heads, -1))  # [n, L, 3, H, D]
            query, key, value = texts.permute(2, 0, 3, 1, 4)  # [n, H, L, D] each
            attended = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=group.mask
            )
            group.put(attended, output)
        return output


class TextPlan:
    """The same for decoders that are made to look both ways.

    A window reaches as far forward as back. Nothing is read from the cache: a step has all of its
    texts.
    """

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self.slots = torch.arange(sum(lengths), device=device)
        self._groups = _groups(lengths, device)
        self._masks: dict[tuple[int, int], Tensor] = {}  # by group and window

    def attend(self, qkv: Tensor, layer: HeadAttention, cache: LayerCache) -> Tensor:
        """See AttentionPlan."""
        output = qkv.new_empty(len(qkv), layer.heads.queries * layer.heads.dim)
        share = layer.heads.queries // layer.heads.kv
        queries, keys, values = layer.split(qkv)
        for place, group in enumerate(self._groups):
            query = queries[group.rows].transpose(1, 2)  # [n, H, L, D]
            key, value = (
                tokens[group.rows].transpose(1, 2).repeat_interleave(share, 1)
                for tokens in (keys, values)
            )
            mask = self._mask(place, layer.window, query.dtype)
            group.put(masked(query, key, value, mask, layer), output)
        return output

    def _mask(self, place: int, window: int, dtype: torch.dtype) -> Tensor:
        """[n or 1, 1, L or 1, L], 0 where a token looks and -inf elsewhere; for all layers."""
        if (place, window) not in self._masks:
            group = self._groups[place]
            width = group.rows.shape[1]
            seen = group.rows.new_ones(1, 1, 1, width, dtype=torch.bool)
            if group.mask is not None:
                seen = group.mask
            if window:
                ahead = torch.arange(width, device=seen.device)
                seen = seen & ((ahead - ahead[:, None]).abs() < window)
            mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
            self._masks[place, window] = mask.masked_fill_(~seen, float("-inf"))
        return self._masks[place, window]


def _groups(lengths: Sequence[int], device: torch.device) -> list[_Group]:
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + length)
    members: dict[int, list[int]] = {}
    for text, length in enumerate(lengths):
        members.setdefault(-(-length // _LENGTH_STEP), []).append(text)
    return [
        _group([starts[text] for text in texts], [lengths[text] for text in texts], device)
        for texts in members.values()
    ]


def _group(starts: Sequence[int], lengths: Sequence[int], device: torch.device) -> _Group:
    width = max(lengths)
    offsets = torch.arange(width)
    inside = offsets < torch.tensor(lengths)[:, None]  # [n, L]
    first = torch.tensor(starts)[:, None]
    rows = torch.where(inside, first + offsets, first)
    if min(lengths) == width:
        return _Group(rows.to(device), None, rows.flatten().to(device), None)
    places = inside.flatten().nonzero()[:, 0]
    return _Group(
        rows.to(device),
        places.to(device),
        rows.flatten()[places].to(device),
        inside[:, None, None, :].to(device),
    )
