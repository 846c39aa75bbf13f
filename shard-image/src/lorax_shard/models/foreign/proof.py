"""Before a model of transformers is served it is asked the same both ways: as there, and as here.

Two sequences go through the model one by one, with the attention that it comes with, and through
ours as a router would have them: packed into one row, one of them in two chunks, the other decoding
beside the second. What a model computes in some way of its own, such as positions that it counts
itself, shows in its logits.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from lorax_shard.layers.attention import DecodePlan, LayerCache
from lorax_shard.layers.native import HeadCounts
from lorax_shard.layers.prefill import DecodedRows, PrefillPlan, Span
from lorax_shard.layers.routing import LoraRouting
from lorax_shard.layers.step import StepContext
from lorax_shard.models.foreign.attention import NotServed, PagedAttention, SeenAttention
from lorax_shard.models.foreign.linears import weight_of

_BLOCK = 16
_PROMPT, _CHUNK, _REST = 10, 5, 4
# How far logits may be apart, relative to their own spread, in float32. Sums in another order came
# to 2e-5 at most (measured, models of 3 to 30 layers), positions that are wrong to tenths.
_TOLERANCE = 1e-3
# In 16 bits rounding alone comes to tenths in deep models. Two ways of transformers' own differ by
# nothing else, so they say how much that is; a third way is as far from each.
_OF_ROUNDING = 2.0

Forward = Callable[[StepContext, Sequence[LayerCache]], Tensor]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a model answers with the attention that it comes with."""

    logits: tuple[Tensor, Tensor]  # of each sequence, [tokens, vocab]
    tolerance: float  # how far away from them is rounding, relative to their spread


@dataclass(slots=True)
class _Scratch(Sequence[LayerCache]):
    """A cache for the two sequences, made as layers turn out to need it."""

    like: Tensor
    layers: dict[int, LayerCache] = field(default_factory=dict)
    seen: dict[int, list[SeenAttention]] = field(default_factory=dict)

    def watch(self, index: int, seen: SeenAttention) -> None:
        self.seen.setdefault(index, []).append(seen)
        if index not in self.layers:
            shape = (3, _BLOCK, seen.heads.kv, seen.heads.dim)
            keys, values = self.like.new_zeros(shape), self.like.new_zeros(shape)
            self.layers[index] = LayerCache(keys, values)

    def __getitem__(self, index: Any) -> Any:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)


def question(vocab_size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids of the two sequences, spread over the vocabulary."""
    places = torch.arange(_PROMPT + 1 + _CHUNK + _REST, device=device)
    ids = (places * 7919 + 13) % vocab_size
    return ids[: _PROMPT + 1], ids[_PROMPT + 1 :]


def linears_of_every_token(model: Any, sequences: tuple[Tensor, Tensor]) -> list[str]:
    """Names of the linear layers that are given each token once, in the order of the step."""
    rows: dict[str, list[int]] = {}
    with _watching(model, rows):
        for ids in sequences:
            model(input_ids=ids[None], use_cache=False)
    lengths = [len(ids) for ids in sequences]
    return [name for name, seen in rows.items() if "expert" not in name and seen == lengths]


def ask_transformers(
    model: Any, attention: PagedAttention, sequences: tuple[Tensor, Tensor]
) -> Expected:
    """Runs the model, whose linear layers may be ours, as transformers does."""
    answers = _answers(model, "eager", attention, sequences)
    tolerance = _TOLERANCE
    if answers[0].dtype is not torch.float32:
        try:
            others = _answers(model, "sdpa", attention, sequences)
        except ValueError:
            raise NotServed(
                "in 16 bits it has one attention alone, which does not tell how much is rounding: "
                "set --dtype float32"
            ) from None
        tolerance += _OF_ROUNDING * _apart(others, answers)
    return Expected(answers, tolerance)


def _answers(
    model: Any, implementation: str, attention: PagedAttention, sequences: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    model.set_attn_implementation(implementation)
    answers = []
    for ids in sequences:
        places = torch.arange(len(ids), device=ids.device)
        lora = LoraRouting()
        with attention.during(StepContext(ids, places, PrefillPlan([], places), lora, None, lora)):
            answers.append(model(input_ids=ids[None], use_cache=False).logits[0])
    return answers[0], answers[1]


@contextmanager
def _watching(model: nn.Module, rows: dict[str, list[int]]) -> Iterator[None]:
    """Notes how many rows each linear layer is given, call by call."""
    hooks = []
    for name, module in model.named_modules():
        if weight_of(module) is None:
            continue
        seen = rows.setdefault(name, [])

        def note(_: nn.Module, given: tuple[Tensor, ...], seen: list[Any] = seen) -> None:
            seen.append(given[0].numel() // given[0].shape[-1])

        hooks.append(module.register_forward_pre_hook(note))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def prove(
    forward: Forward,
    attention: PagedAttention,
    sequences: tuple[Tensor, Tensor],
    expected: Expected,
) -> list[SeenAttention]:
    """Asks our way; raises NotServed where the answer is not the expected one.

    The cache has the dtype of the logits, so that it rounds nothing. What each layer's attention
    asked for, in the order of layers.
    """
    scratch = _Scratch(expected.logits[0])
    attention.watch = scratch.watch
    try:
        answers = _ask(forward, scratch, sequences)
    finally:
        attention.watch = None
    apart = _apart(answers, expected.logits)
    if not apart <= expected.tolerance:
        raise NotServed(
            f"its logits would be {apart:.2g} of their spread away from what transformers computes "
            f"(at most {expected.tolerance:.2g} is rounding)"
        )
    return _of_layers(scratch.seen)


def _ask(
    forward: Forward, cache: Sequence[LayerCache], sequences: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    one, two = sequences
    device = one.device

    def run(ids: list[Tensor], positions: list[range], attention: PrefillPlan) -> Tensor:
        places = torch.tensor([place for part in positions for place in part], device=device)
        lora = LoraRouting()
        step = StepContext(torch.cat(ids), places, attention, lora, None, lora)
        return forward(step, cache)

    def slots(*places: tuple[int, range]) -> Tensor:
        found = [block * _BLOCK + place for block, part in places for place in part]
        return torch.tensor(found, device=device)

    prompt, chunk = range(_PROMPT), range(_CHUNK)
    rest, next_token = range(_CHUNK, _CHUNK + _REST), range(_PROMPT, _PROMPT + 1)
    spans = [Span(0, _PROMPT, 0, None), Span(_PROMPT, _CHUNK, 0, None)]
    first = run(
        [one[:_PROMPT], two[:_CHUNK]],
        [prompt, chunk],
        PrefillPlan(spans, slots((1, prompt), (2, chunk))),
    )
    places = slots((2, rest), (1, next_token))
    decoded = DecodePlan(
        places[_REST:],
        torch.tensor([[1]], device=device),
        torch.tensor([_PROMPT + 1], device=device),
    )
    span = Span(0, _REST, _CHUNK, torch.tensor([2], device=device))
    second = run(
        [two[_CHUNK:], one[_PROMPT:]],
        [rest, next_token],
        PrefillPlan([span], places, DecodedRows(torch.tensor([_REST], device=device), decoded)),
    )
    return (
        torch.cat([first[:_PROMPT], second[_REST:]]),
        torch.cat([first[_PROMPT:], second[:_REST]]),
    )


def _apart(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> float:
    """Of the logits of both sequences."""
    there, here = torch.cat(theirs).float(), torch.cat(ours).float()
    spread = (there - there.mean(-1, keepdim=True)).norm()
    return float((here - there).norm() / spread.clamp(min=1e-9))


def _of_layers(seen: dict[int, list[SeenAttention]]) -> list[SeenAttention]:
    if sorted(seen) != list(range(len(seen))):
        raise NotServed(f"its attention is that of layers {sorted(seen)}")
    layers = []
    for index in range(len(seen)):
        # Two passes were made.
        if len(seen[index]) != 2:
            raise NotServed(f"layer {index} attends {len(seen[index]) / 2:g} times")
        layers.append(seen[index][0])
    return layers


def shared_heads(layers: Sequence[SeenAttention]) -> HeadCounts:
    """The heads of all layers, which must be alike: they share a cache."""
    kinds = {(layer.heads.kv, layer.heads.dim) for layer in layers}
    if len(kinds) != 1:
        raise NotServed(f"its layers keep keys of different shapes: {sorted(kinds)}")
    return layers[0].heads
