"""From the hidden states of a text's tokens to one vector for the text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor
from torch.nn import functional


class Pooling(Enum):
    """Which tokens speak for a text."""

    FIRST = "first"
    LAST = "last"
    MEAN = "mean"
    MAX = "max"


def normalise(vectors: Tensor) -> Tensor:
    """[B, size] -> the same directions with length 1."""
    return functional.normalize(vectors, dim=1)


@dataclass(frozen=True, slots=True)
class Embedding:
    """How a model's hidden states become embeddings."""

    pooling: Pooling
    max_tokens: int  # of the longest text
    # What makes other vectors of those that were pooled, in this order.
    layers: tuple[Callable[[Tensor], Tensor], ...] = ()

    def pool(self, hidden: Tensor, lengths: Sequence[int]) -> Tensor:
        """[T, hidden] of texts that lie one after another -> float32 [B, size of the vectors]."""
        vectors = self._pool(hidden.float(), torch.tensor(lengths, device=hidden.device))
        for layer in self.layers:
            vectors = layer(vectors)
        return vectors

    def _pool(self, hidden: Tensor, lengths: Tensor) -> Tensor:
        ends = lengths.cumsum(0)
        match self.pooling:
            case Pooling.FIRST:
                return hidden[ends - lengths]
            case Pooling.LAST:
                return hidden[ends - 1]
            case Pooling.MEAN:
                return torch.segment_reduce(hidden, "mean", lengths=lengths, axis=0)
            case Pooling.MAX:
                return torch.segment_reduce(hidden, "max", lengths=lengths, axis=0)
