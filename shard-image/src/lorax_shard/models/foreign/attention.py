"""The attention of a model of transformers, over our paged cache."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from torch import Tensor, cat
from torch.nn import Module

from lorax_shard.layers.attention import HeadAttention, LayerCache
from lorax_shard.layers.native import HeadCounts
from lorax_shard.layers.step import StepContext
from lorax_shard.layers.step_kernels import StepKernels

_NUMBERS = count()
# What a model may hand to its attention that would change the result and that we do not compute.
_REFUSED = ("attention_mask", "s_aux", "head_mask", "position_bias", "alibi", "sinks")


class NotServed(ValueError):
    """The model computes something that ours does not."""


@dataclass(frozen=True, slots=True)
class SeenAttention:
    """What one layer asked for when it attended."""

    heads: HeadCounts
    window: int


class PagedAttention:
    """What the layers of one model call; they find the step that is under way here.

    Confined to the compute thread.
    """

    kernels: StepKernels | None = None
    watch: Callable[[int, SeenAttention], None] | None = None  # told the layer's index

    def __init__(self) -> None:
        from transformers import AttentionInterface

        self._step: StepContext | None = None
        self._cache: Sequence[LayerCache] = ()
        # A function of its own for each model: the interface hands over nothing that leads here.
        self.name = f"lorax_paged_{next(_NUMBERS)}"
        AttentionInterface.register(self.name, self.attend)

    @property
    def step(self) -> StepContext:
        """The step that is under way."""
        assert self._step is not None, "no step is under way"
        return self._step

    @contextmanager
    def during(self, step: StepContext, cache: Sequence[LayerCache] = ()) -> Iterator[None]:
        """While the model computes this step."""
        self._step, self._cache = step, cache
        try:
            yield
        finally:
            self._step, self._cache = None, ()

    def attend(
        self,
        module: Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None = None,
        *,
        scaling: float | None = None,
        sliding_window: int | None = None,
        softcap: float | None = None,
        is_causal: bool | None = None,
        **others: Any,
    ) -> tuple[Tensor, None]:
        """[1, H, T, D], [1, K, T, D] twice -> [1, T, H, D]; positions are in queries and keys.

        Writes keys and values to the cache. Raises NotServed for what it would get wrong.
        """
        _check(module, key, value, is_causal, others | {"attention_mask": attention_mask})
        queries, keys, values = (each[0].transpose(0, 1) for each in (query, key, value))
        heads = HeadCounts(queries.shape[1], keys.shape[1], keys.shape[2])
        layer = HeadAttention(
            heads=heads,
            scale=heads.dim**-0.5 if scaling is None else float(scaling),
            cap=float(softcap or 0.0),
            window=int(sliding_window or 0),
            kernels=self.kernels,
        )
        index: Any = module.layer_idx
        if self.watch is not None:
            self.watch(index, SeenAttention(heads, layer.window))
        cache = self._cache[index]
        plan = self.step.attention
        cache.write(plan.slots, keys.to(cache.keys.dtype), values.to(cache.values.dtype))
        qkv = cat((queries, keys, values), 1).flatten(1)
        return plan.attend(qkv, layer, cache).unflatten(1, (heads.queries, heads.dim))[None], None


def _check(
    module: Module, key: Tensor, value: Tensor, is_causal: bool | None, others: dict[str, Any]
) -> None:
    name = type(module).__name__
    for argument in _REFUSED:
        if others.get(argument) is not None:
            raise NotServed(f"{name} attends with {argument}")
    if is_causal is False or getattr(module, "is_causal", True) is False:
        raise NotServed(f"{name} lets tokens see those behind them")
    if key.shape != value.shape:
        raise NotServed(
            f"{name} has keys of {key.shape[-1]} numbers and values of {value.shape[-1]}"
        )
    if not isinstance(getattr(module, "layer_idx", None), int):
        raise NotServed(f"{name} does not say which layer it is")
