"""Several adapters as one, as PEFT's add_weighted_adapter makes it.

A and B are combined side by side, each with the square root of weight times scale; a negative
weight changes the sign of A alone. Papers: TIES arXiv 2306.01708, DARE arXiv 2311.03099.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

from lorax_shard.adapters.reader import Adapter
from lorax_shard.adapters.sources import AdapterReference
from lorax_shard.layers.lora_linear import LoraMatrices
from lorax_shard.torch_import import seeded_generator


class MergeError(ValueError):
    """The adapters cannot be merged as asked."""


class MergeStrategy(Enum):
    """How matrices are combined; the names are those of PEFT."""

    LINEAR = "linear"
    TIES = "ties"
    DARE_LINEAR = "dare_linear"
    DARE_TIES = "dare_ties"


class MajoritySign(Enum):
    """Which sign an element gets: that of the sum, or that of most adapters."""

    TOTAL = "total"
    FREQUENCY = "frequency"


@dataclass(frozen=True, slots=True)
class Merge:
    """The recipe. density: the share of elements that are kept, above 0; linear keeps all."""

    weights: tuple[float, ...]
    strategy: MergeStrategy = MergeStrategy.LINEAR
    density: float = 1.0
    majority_sign: MajoritySign = MajoritySign.TOTAL

    def check(self, count: int) -> None:
        """Fails when this is no recipe for so many adapters."""
        if len(self.weights) != count:
            raise MergeError(f"{count} adapters to merge need {count} weights, got {self.weights}")
        if self.strategy is not MergeStrategy.LINEAR and not 0 < self.density <= 1:
            raise MergeError(
                f"density of merge strategy {self.strategy.value} must be above 0 and at most 1, "
                f"got {self.density:g}"
            )

    def label(self, ids: Sequence[str]) -> str:
        """A name that differs where the result does."""
        parts = " + ".join(
            f"{weight:g} {name}" for name, weight in zip(ids, self.weights, strict=True)
        )
        if self.strategy is MergeStrategy.LINEAR:
            return f"{parts} (linear)"
        return (
            f"{parts} ({self.strategy.value}, density {self.density:g}, "
            f"{self.majority_sign.value} sign)"
        )


@dataclass(frozen=True, slots=True)
class AdapterChoice:
    """What a request runs on: one adapter, or several that are merged."""

    references: tuple[AdapterReference, ...]
    merge: Merge | None = None

    @property
    def id(self) -> str:
        """The adapter's id; for merged ones a name that tells the recipe."""
        ids = [reference.id for reference in self.references]
        return ids[0] if self.merge is None else self.merge.label(ids)


def merge_adapters(adapters: Sequence[Adapter], merge: Merge) -> Adapter:
    """One adapter made of several, which must have the same ranks.

    A projection that only some of them change is merged from those. What is dropped at random
    depends on the recipe alone: every shard and every load come to the same adapter.
    """
    merge.check(len(adapters))
    for adapter in adapters:
        if adapter.uses_dora:
            raise MergeError(
                f"adapter {adapter.id} cannot be merged with others: it uses DoRA, whose "
                "magnitudes belong to it alone; ask for it by itself"
            )
    label = merge.label([adapter.id for adapter in adapters])
    seed = int.from_bytes(hashlib.sha256(label.encode()).digest()[:8], "big", signed=True)
    generator = seeded_generator(seed)
    names = sorted({name for adapter in adapters for name in adapter.matrices})
    merged = {name: _merge_projection(name, adapters, merge, generator) for name in names}
    return Adapter(label, max(pair.down.shape[0] for pair in merged.values()), merged)


def _merge_projection(
    name: str, adapters: Sequence[Adapter], merge: Merge, generator: torch.Generator
) -> LoraMatrices:
    having = [
        (adapter, weight)
        for adapter, weight in zip(adapters, merge.weights, strict=True)
        if name in adapter.matrices
    ]
    pairs = [adapter.matrices[name] for adapter, _ in having]
    ranks = {adapter.id: adapter.matrices[name].down.shape[0] for adapter, _ in having}
    if len(set(ranks.values())) > 1:
        raise MergeError(f"adapters to merge must have the same rank at {name}, got {ranks}")
    factors = torch.tensor(
        [weight * pair.scale for (_, weight), pair in zip(having, pairs, strict=True)]
    )
    roots = factors.abs().sqrt()
    signs = torch.where(factors >= 0, 1.0, -1.0)
    combine = combiner(merge, generator)
    down = combine([pair.down.float() for pair in pairs], roots * signs)
    up = combine([pair.up.float() for pair in pairs], roots)
    return LoraMatrices(down, up)


def combiner(
    merge: Merge, generator: torch.Generator
) -> Callable[[Sequence[Tensor], Tensor], Tensor]:
    """What turns equally shaped matrices and their weights into one matrix."""

    def combine(matrices: Sequence[Tensor], weights: Tensor) -> Tensor:
        match merge.strategy:
            case MergeStrategy.LINEAR:
                kept = torch.stack(list(matrices))
            case MergeStrategy.TIES:
                kept = torch.stack([_keep_largest(matrix, merge.density) for matrix in matrices])
            case MergeStrategy.DARE_LINEAR | MergeStrategy.DARE_TIES:
                kept = torch.stack(
                    [_keep_at_random(matrix, merge.density, generator) for matrix in matrices]
                )
        weighted = kept * weights[:, None, None]
        if merge.strategy in (MergeStrategy.LINEAR, MergeStrategy.DARE_LINEAR):
            return weighted.sum(0)
        elected = _elected(kept, merge.majority_sign)
        return (weighted * elected).sum(0) / elected.sum(0).clamp(min=1)

    return combine


def _keep_largest(matrix: Tensor, density: float) -> Tensor:
    if density >= 1:
        return matrix
    kept = torch.zeros_like(matrix).flatten()
    places = matrix.abs().flatten().topk(int(density * matrix.numel())).indices
    kept[places] = matrix.flatten()[places]
    return kept.view_as(matrix)


def _keep_at_random(matrix: Tensor, density: float, generator: torch.Generator) -> Tensor:
    if density >= 1:
        return matrix
    # Rescaled, so that the expected value stays; upstream computes that and throws it away.
    return matrix * torch.bernoulli(torch.full_like(matrix, density), generator=generator) / density


def _elected(matrices: Tensor, method: MajoritySign) -> Tensor:
    """[n, ...] -> where each has the sign that was elected for the element."""
    signs = matrices.sign()
    votes = matrices if method is MajoritySign.TOTAL else signs
    return signs == torch.where(votes.sum(0) >= 0, 1, -1)
