"""Choosing the next token of a sequence from its logits."""

import random
from collections import Counter, deque
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
        self._next: deque[float] = deque()  # random numbers that nothing has been chosen by yet
        is_changed = parameters.is_penalised or grammar is not None
        self._is_sampled = parameters.is_sampled
        # Whether a choice needs to know nothing of the tokens before it.
        self.takes_logits_as_they_are = not is_changed
        # Whether it is the largest logit as it stands.
        self.is_plain = not self._is_sampled and not is_changed
        # Whether it is drawn from the logits as they stand, so that many rows can be at once.
        self.is_drawn = self._is_sampled and not is_changed

    def uniform(self, ahead: int = 0) -> float:
        """The number in [0, 1) that draws the next token, or one so many tokens behind that.

        It stays the same until the next token has been taken: a step that fails is made again.
        """
        while len(self._next) <= ahead:
            self._next.append(self._random.random())
        return self._next[ahead]

    def took(self, tokens: int) -> None:
        """That many tokens have been chosen: the next is drawn by another number."""
        if self._is_sampled:
            for _ in range(tokens):
                self.uniform()
                self._next.popleft()

    def choose(self, logits: Tensor, prompt: Sequence[int], generated: Sequence[int]) -> Choice:
        """Penalties, grammar, warpers, then the draw. logits: [vocab], float32, not changed."""
        scores = self._penalise(logits.clone(), prompt, generated)
        if self.grammar is not None:
            scores = self.grammar.mask(scores)
        if self._is_sampled:
            found = draw_tokens(scores[None], [0], [self.parameters], [self.uniform()])
        else:
            found = likeliest_tokens(scores[None])
        token, logprob = found
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


def likeliest_tokens(logits: Tensor) -> tuple[Tensor, Tensor]:
    """The best token of each row of logits [T, vocab] and its log-probability, [T] each.

    The latter is NaN or infinite where logits are.
    """
    kernels = native_kernels(logits.device, logits.dtype)
    if kernels is not None:
        return kernels.greedy(logits)
    best = logits.argmax(-1)
    return best, logits.gather(1, best[:, None])[:, 0] - logits.logsumexp(-1)
