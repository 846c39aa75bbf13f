"""Attention of whole texts to themselves, in both directions and without a cache."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

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


class TextAttention:
    """How the tokens of texts that lie one after another attend: each text to all of itself.

    Letters: T tokens of the step, H heads of this shard, D head dimension.
    """

    def __init__(self, lengths: Sequence[int], device: torch.device) -> None:
        self._tokens = sum(lengths)
        starts = [0]
        for length in lengths:
            starts.append(starts[-1] + length)
        members: dict[int, list[int]] = {}
        for text, length in enumerate(lengths):
            members.setdefault(-(-length // _LENGTH_STEP), []).append(text)
        self._groups = [
            _group([starts[text] for text in texts], [lengths[text] for text in texts], device)
            for texts in members.values()
        ]

    def attend(self, qkv: Tensor, heads: int) -> Tensor:
        """[T, 3 * H * D], queries before keys before values -> [T, H * D]."""
        output = qkv.new_empty(self._tokens, qkv.shape[1] // 3)
        for group in self._groups:
            texts = qkv[group.rows].unflatten(2, (3, heads, -1))  # [n, L, 3, H, D]
            query, key, value = texts.permute(2, 0, 3, 1, 4)  # [n, H, L, D] each
            attended = functional.scaled_dot_product_attention(
                query, key, value, attn_mask=group.mask
            )
            rows = attended.transpose(1, 2).flatten(2).flatten(0, 1)  # [n * L, H * D]
            output[group.tokens] = rows if group.places is None else rows[group.places]
        return output


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
