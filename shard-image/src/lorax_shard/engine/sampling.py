"""Choosing the next token of a sequence from its logits."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lorax_shard.engine.grammar import Grammar
from lorax_shard.engine.messages import InvalidRequest, SamplingParameters
from lorax_shard.layers.native import native_kernels


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen token and its log-probability under the logits it was chosen from."""

    token_id: int
    logprob: float


class TokenChooser:
    """The choices of one sequence. Its random numbers are its own: no batch changes them."""

    def __init__(self, parameters: SamplingParameters, grammar: Grammar | None = None) -> None:
        if parameters.watermark:
            raise InvalidRequest("watermark is not supported")
        self.parameters = parameters
        self.grammar = grammar
        self._random = random.Random(parameters.seed)
        changed = parameters.is_penalised or grammar is not None
        # Whether the choice is the largest logit as it stands.
        self.is_plain = not parameters.is_sampled and not changed

    def skip(self, tokens: int) -> None:
        """Draws what that many earlier tokens have drawn."""
        if self.parameters.is_sampled:
            for _ in range(tokens):
                self._random.random()

    def choose(self, logits: Tensor, prompt: Sequence[int], generated: Sequence[int]) -> Choice:
        """Penalties, grammar, warpers, then the draw. logits: [vocab], float32, not changed."""
        scores = self._penalise(logits.clone(), prompt, generated)
        if self.grammar is not None:
            scores = self.grammar.mask(scores)
        if not self.parameters.is_sampled:
            token = scores.argmax()
        else:
            scores = self._warp(scores)
            token = _drawn(scores, self._random.random())
        logprob = scores[token] - scores.logsumexp(-1)
        return Choice(int(token), float(logprob))

    def _penalise(self, scores: Tensor, prompt: Sequence[int], generated: Sequence[int]) -> Tensor:
        """The repetition penalty counts the prompt, the other two what was generated (OpenAI)."""
        parameters = self.parameters
        if parameters.repetition_penalty != 1.0:
            seen = torch.tensor([*prompt, *generated], device=scores.device).unique()
            values = scores[seen]
            penalty = parameters.repetition_penalty
            scores[seen] = torch.where(values < 0, values * penalty, values / penalty)
        if generated and (parameters.frequency_penalty or parameters.presence_penalty):
            ids = torch.tensor(list(generated), device=scores.device)
            tokens, counts = ids.unique(return_counts=True)
            scores[tokens] -= parameters.frequency_penalty * counts + parameters.presence_penalty
        return scores

    def _warp(self, scores: Tensor) -> Tensor:
        parameters = self.parameters
        scores = scores / parameters.temperature
        if 0 < parameters.top_k < scores.numel():
            least = scores.topk(parameters.top_k).values[-1]
            scores = scores.masked_fill(scores < least, float("-inf"))
        if parameters.top_p < 1.0:
            scores = _keep_top_p(scores, parameters.top_p)
        if parameters.typical_p < 1.0:
            scores = _keep_typical(scores, parameters.typical_p)
        return scores


def _keep_top_p(scores: Tensor, top_p: float) -> Tensor:
    """Keeps the smallest set of likeliest tokens that holds top_p of the probability."""
    ascending, order = scores.sort()
    below = ascending.softmax(-1).cumsum(-1) <= 1 - top_p
    below[-1] = False
    return scores.masked_fill(torch.zeros_like(below).scatter_(0, order, below), float("-inf"))


def _keep_typical(scores: Tensor, typical_p: float) -> Tensor:
    """Keeps the tokens whose surprise is closest to the expected one (arXiv 2202.00666)."""
    logprobs = scores.log_softmax(-1)
    entropy = -(logprobs * logprobs.exp()).nansum()
    surprise, order = (-logprobs - entropy).abs().sort()
    mass = scores[order].softmax(-1).cumsum(-1)
    last = int((mass < typical_p).sum().clamp(max=surprise.numel() - 1))
    dropped = surprise > surprise[last]
    return scores.masked_fill(torch.zeros_like(dropped).scatter_(0, order, dropped), float("-inf"))


def _drawn(scores: Tensor, uniform: float) -> Tensor:
    """The token at a place in [0, 1) of the distribution: [] of int64.

    One number of the host for each token, so that a seed gives the same text on every device.
    """
    # In doubles: rounding a hundred thousand sums must not cost the last tokens their share.
    reached = scores.softmax(-1).cumsum(-1, dtype=torch.float64)
    # The first token beyond the place; one without probability reaches no further than the last.
    return torch.searchsorted(reached, uniform * reached[-1], right=True)


def _greedy(logits: Tensor) -> tuple[Tensor, Tensor]:
    kernels = native_kernels(logits.device, logits.dtype)
    if kernels is not None:
        return kernels.greedy(logits)
    best = logits.argmax(-1)
    return best, logits.gather(1, best[:, None])[:, 0] - logits.logsumexp(-1)


def likeliest_tokens(logits: Tensor) -> list[Choice | None]:
    """The best token of each row of logits [T, vocab]; None where NaN or infinite ones are."""
    best, logprobs = _greedy(logits)
    found = zip(best.tolist(), logprobs.tolist(), strict=True)
    return [Choice(token, logprob) if math.isfinite(logprob) else None for token, logprob in found]
