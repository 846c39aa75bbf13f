"""A linear layer with the adapters beside its weight, whole or one shard's part.

A layer cuts an adapter as its weight is cut (`_cut`), so nobody else knows how it is divided.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from lorax_shard.layers.kept_weight import KeptWeight, ReadWeight, keep_weight
from lorax_shard.layers.lora import AdapterStack, LoraStack, new_stack
from lorax_shard.layers.native import NativeKernels, native_kernels
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.layers.routing import LoraRouting, LoraSlot
from lorax_shard.layers.staged import put_part, split_places


@dataclass(frozen=True, slots=True)
class Projection:
    """One projection of a linear layer as checkpoints and adapters know it."""

    name: str
    in_features: int
    out_features: int


@dataclass(frozen=True, slots=True)
class LoraMatrices:
    """An adapter's update of one whole projection, scale * B A: down is A [r, in], up B [out, r].

    With DoRA (arXiv 2402.09353) each output of W + BA is then brought to a length of its own, so
    the weight itself is multiplied, too: by factors, which fit one shard of one base model.
    """

    down: Tensor
    up: Tensor
    scale: float = 1.0
    magnitude: Tensor | None = None  # DoRA: [out], the lengths
    factors: Tensor | None = None  # [out of this shard] in float32, magnitude / |W + BA|

    def update(self) -> Tensor:
        """What is added to the weight [out, in], in float32; DoRA's factors come after that."""
        return (self.up.float() * self.scale) @ self.down.float()


class LoraLinear(ABC):
    """What both kinds of parallel linear layers share: the weight and the adapters beside it."""

    weight: KeptWeight  # [out of this shard, in of this shard]
    bias: Tensor | None = None  # float32 for the kernels
    _like: Tensor  # of the dtype and on the device of the model
    _kernels: NativeKernels | None = None
    _quantisation: Quantisation | None = None

    def __init__(self, projections: Sequence[Projection]) -> None:
        self.projections = list(projections)
        self._stacks: dict[int, AdapterStack] = {}
        self._factors: dict[tuple[int, int], Tensor] = {}  # [out] by bucket and slot, of DoRA

    def put_adapter(
        self, slot: LoraSlot, capacity: int, matrices: Mapping[str, LoraMatrices]
    ) -> bool:
        """Sets this layer's part of an adapter; a projection that it lacks becomes zero.

        Steps may run meanwhile, of adapters in other slots. Whether this layer's adapters lie
        elsewhere now than before.

        capacity is the number of slots of the bucket: all stacks of a bucket are equally high,
        because a step indexes them all alike. A layer that no adapter touches has no stack.
        """
        pairs = [matrices.get(projection.name) for projection in self.projections]
        touched = any(pair is not None for pair in pairs)
        stack, has_moved = self._make_room(slot, capacity, touched)
        if stack is None:
            return False
        if any(pair is None or pair.down.shape[0] < slot.bucket for pair in pairs):
            stack.clear(slot.slot)  # else all of it is written
        for part, pair in enumerate(pairs):
            if pair is not None:
                cut = self._cut(part, pair)
                up = cut.up if cut.factors is None else cut.up * cut.factors.cpu()[:, None]
                stack.put(slot.slot, part, cut.down, up, cut.scale)
        if slot.multiplies and touched:
            self._factors[slot.bucket, slot.slot] = self._joined_factors(matrices)
        return has_moved

    def _make_room(
        self, slot: LoraSlot, capacity: int, touched: bool
    ) -> tuple[AdapterStack | None, bool]:
        """The stack with this slot, None where none is needed; whether it lies elsewhere now."""
        self._factors.pop((slot.bucket, slot.slot), None)
        stack = self._stacks.get(slot.bucket)
        if stack is None:
            if not touched:
                return None, False
            stack = self._new_stack(slot.bucket)
        has_moved = stack.grow(capacity)
        # Only now: a step that runs finds it as high as those of the other layers, or not at all.
        self._stacks[slot.bucket] = stack
        return stack, has_moved

    def _new_stack(self, bucket: int) -> AdapterStack:
        widths = [self._out_width(part) for part in range(len(self.projections))]
        return new_stack(bucket, self.weight.in_features, widths, self._like, self._kernels)

    def staged_numbers(self, bucket: int) -> int:
        """How many an adapter of a rank bucket has here, in host memory as on the device."""
        return sum(math.prod(shape) for shape in self._staged_shapes(bucket))

    def stage(self, bucket: int, matrices: Mapping[str, LoraMatrices], numbers: Tensor) -> None:
        """Puts this layer's part of an adapter into zeroes [staged_numbers] on the host."""
        places = split_places(numbers, self._staged_shapes(bucket))
        for part, projection in enumerate(self.projections):
            if projection.name in matrices:
                cut = self._cut(part, matrices[projection.name])
                put_part(places, part, cut.down, cut.up, cut.scale)

    def _staged_shapes(self, bucket: int) -> list[tuple[int, int]]:
        parts = range(len(self.projections))
        ups = [(bucket, self._out_width(part)) for part in parts]
        return [(len(parts) * bucket, self.weight.in_features), *ups]

    def places_of(self, slot: LoraSlot, capacity: int, touched: bool) -> tuple[list[Tensor], bool]:
        """Where an adapter that was staged goes, in its order; empty where nothing is needed.

        And whether this layer's adapters lie elsewhere now, as with put_adapter. What it does not
        touch becomes zero.
        """
        stack, has_moved = self._make_room(slot, capacity, touched)
        if stack is None:
            return [], False
        if not touched:
            stack.clear(slot.slot)
            return [], has_moved
        assert isinstance(stack, LoraStack)
        return stack.places(slot.slot), has_moved

    def stack_tensors(self, bucket: int) -> list[Tensor]:
        """What holds the adapters of a rank bucket here now."""
        stack = self._stacks.get(bucket)
        return [] if stack is None else stack.tensors

    def with_factors(self, matrices: Mapping[str, LoraMatrices]) -> dict[str, LoraMatrices]:
        """Those of this layer's projections, with the factors of DoRA. Changes nothing here.

        It reads the whole weight, so it is no work for between two steps.
        """
        found = {}
        rows: Sequence[Tensor] | None = None
        for part, projection in enumerate(self.projections):
            pair = matrices.get(projection.name)
            if pair is None:
                continue
            if pair.magnitude is not None:
                if rows is None:
                    widths = [self._out_width(each) for each in range(len(self.projections))]
                    rows = self.weight.whole().split(widths)
                pair = replace(pair, factors=_factors(rows[part], self._cut(part, pair)))
            found[projection.name] = pair
        return found

    @property
    def dtype(self) -> torch.dtype:
        """Of the model."""
        return self._like.dtype

    @property
    def holds_whole_rows(self) -> bool:
        """Whether the length of an output's weights can be told from this shard's part alone."""
        return True

    def _joined_factors(self, matrices: Mapping[str, LoraMatrices]) -> Tensor:
        """Of all projections side by side; 1 where the adapter leaves one alone."""
        parts = []
        for part, projection in enumerate(self.projections):
            pair = matrices.get(projection.name)
            factors = None if pair is None else pair.factors
            parts.append(torch.ones(self._out_width(part)) if factors is None else factors)
        dtype = torch.float32 if self._kernels is not None else self._like.dtype
        return torch.cat([part.to(self._like.device, dtype) for part in parts])

    def adapter_bytes(self, bucket: int) -> int:
        """Memory that an adapter of a rank bucket takes at this layer, the factors of DoRA aside.

        Those are one number for each output, a hundredth of an adapter of rank 16.
        """
        stack = self._stacks.get(bucket)
        return 0 if stack is None else stack.slot_bytes

    def merge(self, matrices: Mapping[str, LoraMatrices]) -> None:
        """Adds an adapter's update to the weight of this layer; there is no way back.

        A quantised weight is quantised anew, as PEFT does it: the sum has scales of its own.
        """
        if not any(projection.name in matrices for projection in self.projections):
            return
        # The head may share it with the embedding, which must stay.
        weight = self.weight.whole().clone()
        first = 0
        for part, projection in enumerate(self.projections):
            rows = slice(first, first := first + self._out_width(part))
            if projection.name in matrices:
                cut = self._cut(part, matrices[projection.name])
                merged = weight[rows].float() + cut.update().to(weight.device)
                if cut.factors is not None:
                    merged *= cut.factors.to(weight.device)[:, None]
                weight[rows] = merged.to(weight.dtype)
        self._set([weight], self.bias, self._quantisation)

    @abstractmethod
    def _out_width(self, part: int) -> int:
        """Output columns of a projection on this shard."""

    @abstractmethod
    def _cut(self, part: int, matrices: LoraMatrices) -> LoraMatrices:
        """This shard's share of an adapter's update of a projection."""

    def _set(
        self, weights: Sequence[ReadWeight], bias: Tensor | None, quantisation: Quantisation | None
    ) -> None:
        """Takes weights [out, in] of one input and a bias, as whoever multiplies wants them."""
        self._like = torch.empty(0, dtype=weights[0].dtype, device=weights[0].device)
        self._kernels = native_kernels(self._like.device, self._like.dtype)
        self._quantisation = quantisation
        self.weight = keep_weight(weights, quantisation)
        self.bias = bias if bias is None or self._kernels is None else bias.float()

    def _multiply(self, x: Tensor, routing: LoraRouting) -> Tensor:
        output = self.weight.multiply(x, self.bias)
        for run in routing.multiplied:
            factors = self._factors.get((run.bucket, run.slot))
            if factors is not None:
                rows = output[run.start : run.stop]
                if self.bias is None:
                    rows.mul_(factors)
                else:
                    rows.sub_(self.bias).mul_(factors).add_(self.bias)
        for tokens in routing.buckets:
            stack = self._stacks.get(tokens.bucket)
            if stack is not None:
                stack.add(output, x, tokens)
        return output


def _factors(weight: Tensor, cut: LoraMatrices) -> Tensor:
    """What DoRA multiplies each output of a weight [out, in] by, in float32 as the sums are."""
    assert cut.magnitude is not None
    lengths = torch.linalg.vector_norm(weight.float() + cut.update().to(weight.device), dim=1)
    # An output of zeroes stays one.
    return torch.where(lengths > 0, cut.magnitude.to(lengths) / lengths, 1.0)
