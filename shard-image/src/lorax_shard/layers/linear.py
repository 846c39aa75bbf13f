"""Linear layers that are divided between shards and carry LoRA stacks.

A layer reads its own share of the weights (`load_shard`) and cuts an adapter the same way
(`put_adapter`), so nobody else knows how a layer is divided.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from lorax_shard.layers.kept_weight import KeptWeight, ReadWeight, keep_weight
from lorax_shard.layers.lora import AdapterStack, new_stack
from lorax_shard.layers.native import NativeKernels, native_kernels
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.layers.routing import LoraRouting, LoraSlot


class TensorReader(Protocol):
    """Reads checkpoint tensors, already in the dtype and on the device of the model."""

    @property
    def quantisation(self) -> Quantisation | None:
        """How linear layers are to keep the weights that they read; None is as they are."""

    def read(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> Tensor:
        """The named tensor, or a part of it. Fails when the whole has another shape."""

    def read_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> ReadWeight:
        """The weight of the linear layer of this name, or a part of it, plain or in few bits."""


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
        self._factors.pop((slot.bucket, slot.slot), None)
        pairs = [matrices.get(projection.name) for projection in self.projections]
        touched = any(pair is not None for pair in pairs)
        stack = self._stacks.get(slot.bucket)
        if stack is None:
            if not touched:
                return False
            widths = [self._out_width(part) for part in range(len(self.projections))]
            stack = new_stack(
                slot.bucket, self.weight.in_features, widths, self._like, self._kernels
            )
        has_moved = stack.grow(capacity)
        # Only now: a step that runs finds it as high as those of the other layers, or not at all.
        self._stacks[slot.bucket] = stack
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


class ColumnParallelLinear(LoraLinear):
    """y = x Wᵀ with the output divided between shards; projections of one input are fused.

    LoRA: A is replicated, B is cut like W, so adapters cost no collective.
    """

    def __init__(
        self,
        projections: Sequence[Projection],
        rows: Sequence[Sequence[range]],
        is_head: bool = False,
    ) -> None:
        """rows[p]: the output rows of projection p that this shard holds, in their order."""
        super().__init__(projections)
        self._rows = list(map(list, rows))
        self._is_head = is_head

    def load_shard(self, reader: TensorReader, has_bias: bool) -> None:
        """Reads this shard's rows of every projection."""
        weights, biases = [], []
        for projection, rows in zip(self.projections, self._rows, strict=True):
            shape = (projection.out_features, projection.in_features)
            for part in rows:
                weights.append(reader.read_weight(projection.name, shape, rows=part))
                if has_bias:
                    biases.append(reader.read(f"{projection.name}.bias", shape[:1], rows=part))
        bias = torch.cat(biases) if biases else None
        self._set(weights, bias, self._own(reader.quantisation))

    def share_weight(self, whole: Tensor, quantisation: Quantisation | None) -> None:
        """Uses rows of a tensor that is already loaded (tied embeddings), or numbers of its own."""
        rows = self._rows[0][0]
        self._set([whole[rows.start : rows.stop]], None, self._own(quantisation))

    def _own(self, quantisation: Quantisation | None) -> Quantisation | None:
        if quantisation is None or not self._is_head:
            return quantisation
        return quantisation.of_head

    def __call__(self, x: Tensor, routing: LoraRouting) -> Tensor:
        """[T, in] -> [T, sum of this shard's rows]."""
        return self._multiply(x, routing)

    def _out_width(self, part: int) -> int:
        return sum(map(len, self._rows[part]))

    def _cut(self, part: int, matrices: LoraMatrices) -> LoraMatrices:
        if self._rows[part] == [range(self.projections[part].out_features)]:
            return matrices

        def own(whole: Tensor) -> Tensor:
            pieces = [whole[rows.start : rows.stop] for rows in self._rows[part]]
            return torch.cat(pieces) if len(pieces) > 1 else pieces[0]

        magnitude = None if matrices.magnitude is None else own(matrices.magnitude)
        return replace(matrices, up=own(matrices.up), magnitude=magnitude)


class RowParallelLinear(LoraLinear):
    """y = x Wᵀ with the input divided between shards and the result summed over them.

    LoRA: A is cut like W and B is replicated; the sum over the shards completes both at once.
    """

    def __init__(self, projection: Projection, columns: range, group: ShardGroup) -> None:
        super().__init__([projection])
        self._columns = columns
        self._group = group

    def load_shard(self, reader: TensorReader, has_bias: bool) -> None:
        """Reads this shard's columns. The bias is held by shard 0 alone, or it would be summed."""
        projection = self.projections[0]
        shape = (projection.out_features, projection.in_features)
        weight = reader.read_weight(projection.name, shape, columns=self._columns)
        has_bias = has_bias and self._group.rank == 0
        bias = reader.read(f"{projection.name}.bias", shape[:1]) if has_bias else None
        self._set([weight], bias, reader.quantisation)

    def __call__(self, x: Tensor, routing: LoraRouting) -> Tensor:
        """[T, in of this shard] -> [T, out], the same on every shard."""
        return self._group.all_reduce(self._multiply(x, routing))

    @property
    def holds_whole_rows(self) -> bool:
        """See LoraLinear: of each output a shard has some inputs."""
        return self._group.world == 1

    def _out_width(self, part: int) -> int:
        return self.projections[part].out_features

    def _cut(self, part: int, matrices: LoraMatrices) -> LoraMatrices:
        columns = self._columns
        if columns == range(self.projections[part].in_features):
            return matrices
        return replace(matrices, down=matrices.down[:, columns.start : columns.stop])
