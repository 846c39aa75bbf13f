"""Drawing tokens from logits that nothing more is done to but to warp them: many rows at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from lorax_shard.engine.messages import SamplingParameters
from lorax_shard.layers.device_loads import near
from lorax_shard.layers.native import native_kernels


def draw_tokens(
    logits: Tensor,
    rows: Sequence[int],
    settings: Sequence[SamplingParameters],
    uniforms: Sequence[float],
) -> tuple[Tensor, Tensor]:
    """A token for each of these rows of logits [.., vocab], by a number in [0, 1) of its own.

    Tokens and their log-probabilities, [n] each. A row's token does not depend on the rows beside
    it. Temperatures are above 0.
    """
    kernels = native_kernels(logits.device, logits.dtype)
    if kernels is None:
        chosen = near(torch.tensor(rows, dtype=torch.int64), logits.device)
        return _draw(logits.index_select(0, chosen), settings, uniforms)
    return kernels.draw(
        logits,
        rows,
        [each.temperature for each in settings],
        [each.top_k for each in settings],
        [each.top_p for each in settings],
        [each.typical_p for each in settings],
        uniforms,
    )


def _draw(
    logits: Tensor, settings: Sequence[SamplingParameters], uniforms: Sequence[float]
) -> tuple[Tensor, Tensor]:
    """By PyTorch's operators. logits: [n, vocab]."""

    def column(values: Sequence[float], dtype: torch.dtype = torch.float32) -> Tensor:
        return near(torch.tensor(values, dtype=dtype), logits.device)[:, None]

    scores = logits / column([each.temperature for each in settings])
    vocab = logits.shape[1]
    top_k = [each.top_k if 0 < each.top_k < vocab else vocab for each in settings]
    if min(top_k) < vocab:
        # Rows without a bound are compared with their least score, which drops none.
        places = column([k - 1 for k in top_k], torch.int64)
        bounded = max(k for k in top_k if k < vocab)
        largest = scores.topk(bounded, -1).values
        least = largest.gather(1, places.clamp(max=bounded - 1))
        least = torch.where(places < bounded, least, float("-inf"))
        scores = scores.masked_fill(scores < least, float("-inf"))
    if any(each.top_p < 1.0 for each in settings):
        scores = _keep_top_p(scores, column([each.top_p for each in settings]))
    if any(each.typical_p < 1.0 for each in settings):
        scores = _keep_typical(scores, column([each.typical_p for each in settings]))
    # In doubles: rounding a hundred thousand sums must not cost the last tokens their share.
    reached = scores.softmax(-1).cumsum(-1, dtype=torch.float64)
    places = column(uniforms, torch.float64) * reached[:, -1:]
    # The first token beyond the place; one without probability reaches no further than the last.
    tokens = torch.searchsorted(reached, places, right=True).clamp_(max=vocab - 1)
    logprobs = scores.gather(1, tokens)[:, 0] - scores.logsumexp(-1)
    return tokens[:, 0], logprobs


def _keep_top_p(scores: Tensor, top_p: Tensor) -> Tensor:
    """Keeps the fewest of the likeliest tokens of each row that hold top_p [n, 1] of it."""
    descending, order = scores.sort(dim=-1, descending=True, stable=True)
    shares = descending.softmax(-1)
    dropped = shares.cumsum(-1) - shares >= top_p
    dropped &= top_p < 1.0
    dropped[:, 0] = False
    return _drop(scores, order, dropped)


def _keep_typical(scores: Tensor, typical_p: Tensor) -> Tensor:
    """Keeps the tokens whose surprise is closest to the expected one (arXiv 2202.00666)."""
    logprobs = scores.log_softmax(-1)
    entropy = -(logprobs * logprobs.exp()).nansum(-1, keepdim=True)
    surprise, order = (-logprobs - entropy).abs().sort(-1)
    mass = scores.gather(1, order).softmax(-1).cumsum(-1)
    last = (mass < typical_p).sum(-1, keepdim=True).clamp(max=scores.shape[1] - 1)
    dropped = (surprise > surprise.gather(1, last)) & (typical_p < 1.0)
    return _drop(scores, order, dropped)


def _drop(scores: Tensor, order: Tensor, dropped: Tensor) -> Tensor:
    """Scores without what is dropped, which is told in this order of them."""
    by_token = torch.zeros_like(dropped).scatter_(1, order, dropped)
    return scores.masked_fill(by_token, float("-inf"))
