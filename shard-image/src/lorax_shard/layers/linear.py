"""Linear layers that are divided between shards.

A layer reads its own share of the weights (`load_shard`) and cuts an adapter the same way, so
nobody else knows how a layer is divided.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import torch
from torch import Tensor

from lorax_shard.layers.kept_weight import ReadWeight
from lorax_shard.layers.lora_linear import LoraLinear, LoraMatrices, Projection
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.layers.routing import LoraRouting


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
