"""Reading checkpoints whose linear layers AWQ or GPTQ have packed, one projection at a time."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint
from lorax_shard.layers.grouped import group_numbers
from lorax_shard.layers.kept_weight import ReadWeight
from lorax_shard.layers.packing import (
    AmbiguousZeros,
    Packing,
    PackingMethod,
    covering,
    unpack_numbers,
    unpack_zeros,
)
from lorax_shard.weights import Checkpoint, StoredTensor

_SUFFIXES = ("qweight", "qzeros", "scales", "g_idx")
_SCALES = (torch.float16, torch.bfloat16, torch.float32)


class PackedCheckpoint(Checkpoint):
    """A checkpoint in which linear layers are packed, some or all."""

    def __init__(
        self,
        directory: Path,
        packing: Packing,
        dtype: torch.dtype,
        device: torch.device,
        optional_prefix: str = "",
    ) -> None:
        """See Checkpoint."""
        super().__init__(directory, dtype, device, optional_prefix)
        self._packing = packing
        if not any(name.endswith(".qweight") for name in self.names()):
            raise UnsupportedCheckpoint(
                f"{self.what} says that {packing.method.value} has quantised it, and no tensor is "
                "packed so: expected *.qweight, *.qzeros and *.scales"
            )

    @staticmethod
    def count(tensors: Iterable[StoredTensor], packing: Packing) -> tuple[int, int]:
        """Numbers that are plain, and bytes of memory that the others take.

        All but zeros are kept as they are stored.
        """
        plain = taken = 0
        for tensor in tensors:
            suffix = tensor.name.rpartition(".")[2]
            if suffix not in _SUFFIXES:
                plain += tensor.numbers
            elif suffix == "qzeros":
                taken += tensor.bytes * 8 // packing.bits  # each has a byte
            else:
                taken += tensor.bytes
        return plain, taken

    def read_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> ReadWeight:
        """See layers.linear.TensorReader."""
        if not self.holds(f"{name}.qweight"):
            return super().read_weight(name, shape, rows, columns)
        if listed := _listed(name, self._packing.plain_modules):
            raise CheckpointError(
                f"{self.what} has a tensor {name}.qweight, and names {listed} among its "
                "modules_to_not_convert"
            )
        out_features, in_features = shape
        outputs = range(out_features) if rows is None else rows
        inputs = range(in_features) if columns is None else columns
        return group_numbers(
            self._numbers(name, shape, outputs, inputs),
            self._scales(name, shape, outputs),
            self._zeros(name, shape, outputs),
            self._group_of(name, in_features, inputs),
            self._packing.bits,
            self.dtype,
        )

    def _numbers(self, name: str, shape: tuple[int, ...], outputs: range, inputs: range) -> Tensor:
        """[outputs, inputs] of a weight [out, in] of this shape; one of both is whole."""
        out_features, in_features = shape
        per_word = self._packing.per_word
        if self._packing.method is PackingMethod.GPTQ:
            stored = (-(-in_features // per_word), out_features)
            rows, columns = covering(inputs, per_word), outputs
            skipped = (0, inputs.start % per_word)
        else:
            stored = (in_features, -(-out_features // per_word))
            rows, columns = inputs, covering(outputs, per_word)
            skipped = (outputs.start % per_word, 0)
        words = self._words(f"{name}.qweight", stored, rows, columns)
        numbers = unpack_numbers(words, self._packing)
        return numbers[skipped[0] :, skipped[1] :][: len(outputs), : len(inputs)]

    def _zeros(self, name: str, shape: tuple[int, ...], outputs: range) -> Tensor:
        """[outputs, groups]."""
        per_word = self._packing.per_word
        groups = self._packing.groups(shape[1])
        stored = (groups, -(-shape[0] // per_word))
        words = self._words(f"{name}.qzeros", stored, range(groups), covering(outputs, per_word))
        try:
            zeros = unpack_zeros(words, self._packing)
        except AmbiguousZeros:
            raise UnsupportedCheckpoint(
                f"{self.what}: {name}.qzeros has a zero of 0 in GPTQ's first format, in which "
                "all writers but GPTQModel (meta.quantizer of quantization_config) lose the zeros "
                "beside it: expected checkpoint_format gptq_v2, or a symmetric model"
            ) from None
        return zeros[outputs.start % per_word :][: len(outputs)]

    def _scales(self, name: str, shape: tuple[int, ...], outputs: range) -> Tensor:
        """[outputs, groups]."""
        stored = (self._packing.groups(shape[1]), shape[0])
        scales = self.stored(f"{name}.scales", stored, columns=outputs)
        if scales.dtype not in _SCALES:
            raise CheckpointError(
                f"{self.what}: tensor {name}.scales must be of float16, bfloat16 or float32, got "
                f"{scales.dtype}"
            )
        return scales.to(self.device).T

    def _group_of(self, name: str, in_features: int, inputs: range) -> Tensor:
        """The groups of these inputs, in int32."""
        packing, tensor = self._packing, f"{name}.g_idx"
        groups = packing.groups(in_features)
        # Layers of a file without act-order may have one, too, which then says nothing new.
        if packing.has_order or (packing.method is PackingMethod.GPTQ and self.holds(tensor)):
            group_of = self.stored(tensor, (in_features,), rows=inputs).to(torch.int32)
            if not bool(((group_of >= 0) & (group_of < groups)).all()):
                raise CheckpointError(
                    f"{self.what}: tensor {tensor} must name groups from 0 to {groups - 1}, got "
                    f"{int(group_of.min())} to {int(group_of.max())}"
                )
            return group_of.to(self.device)
        size = in_features if packing.group_size == -1 else packing.group_size
        places = torch.arange(inputs.start, inputs.stop, dtype=torch.int32, device=self.device)
        return places // size

    def _words(self, name: str, shape: tuple[int, ...], rows: range, columns: range) -> Tensor:
        """A part of a tensor of packed words; all of it in one direction."""
        if len(rows) < shape[0]:
            words = self.stored(name, shape, rows=rows)
        else:
            words = self.stored(name, shape, columns=columns)
        if words.dtype is not torch.int32:
            raise CheckpointError(
                f"{self.what}: tensor {name} must hold words of int32, got {words.dtype}"
            )
        return words.to(self.device)


def _listed(name: str, modules: Iterable[str]) -> str | None:
    """Which of the modules, each a name or the end or beginning or middle of one, this is in."""
    return next((module for module in modules if f".{module}." in f".{name}."), None)
