"""Choosing the next token of a sequence from its logits."""

import math
import random
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from lorax_shard.engine.choice import Choice
from lorax_shard.engine.drawing import draw_tokens
from lorax_shard.engine.grammar import Grammar
from lorax_shard.engine.messages import InvalidRequest, SamplingParameters
from lorax_shard.layers.native import native_kernels


class TokenChooser:
    """The choices of one sequence. Its random numbers are its own: no batch changes them."""

    def __init__(self, parameters: SamplingParameters, grammar: Grammar | None = None) -> None:
        if parameters.watermark:
            raise InvalidRequest("watermark is not supported")
        self.parameters = parameters
        self.grammar = grammar
        self._random = random.Random(parameters.seed)
        is_changed = parameters.is_penalised or grammar is not None
        # Whether the choice is the largest logit as it stands.
        self.is_plain = not parameters.is_sampled and not is_changed
        # Whether it is drawn from the logits as they stand, so that many rows can be at once.
        self.is_drawn = parameters.is_sampled and not is_changed

    def uniform(self) -> float:
        """The number in [0, 1) that draws the next token."""
        return self._random.random()

    def skip(self, tokens: int) -> None:
        """Draws what that many earlier tokens have drawn."""
        if self.parameters.is_sampled:
            for _ in range(tokens):
                self.uniform()

    def choose(self, logits: Tensor, prompt: Sequence[int], generated: Sequence[int]) -> Choice:
        """Penalties, grammar, warpers, then the draw. logits: [vocab], float32, not changed."""
        scores = self._penalise(logits.clone(), prompt, generated)
        if self.grammar is not None:
            scores = self.grammar.mask(scores)
        if self.parameters.is_sampled:
            (choice,) = draw_tokens(scores[None], [0], [self.parameters], [self.uniform()])
            return choice
        token, logprob = _greedy(scores[None])
        return Choice(int(token), float(logprob))

    def _penalise(self, scores: Tensor, prompt: Sequence[int], generated: Sequence[int]) -> Tensor:
        """The repetition penalty counts the prompt, the other two what was generated (OpenAI)."""
        parameters = self.parameters
        if parameters.repetition_penalty != 1.0:
            # A token that comes again is set again to the same.
            seen = torch.tensor([*prompt, *generated], device=scores.device)
            values = scores[seen]
            penalty = parameters.repetition_penalty
            scores[seen] = torch.where(values < 0, values * penalty, values / penalty)
        if generated and (parameters.frequency_penalty or parameters.presence_penalty):
            counted = Counter(generated)
            tokens = torch.tensor(list(counted), device=scores.device)
            counts = torch.tensor(list(counted.values()), device=scores.device)
            scores[tokens] -= parameters.frequency_penalty * counts + parameters.presence_penalty
        return scores


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
