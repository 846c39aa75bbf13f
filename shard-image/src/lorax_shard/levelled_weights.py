"""Reading checkpoints whose linear layers bitsandbytes has quantised to 4 bits.

A number of 4 bits is one of 16 levels (NF4, FP4), which the checkpoint has beside it, times the
largest magnitude of its block, neighbours of the weight [out, in] as it lies in memory. Those
magnitudes may be quantised once more, to bytes ("double quantisation", arXiv 2305.14314).
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint
from lorax_shard.layers.grouped import group_numbers
from lorax_shard.layers.kept_weight import ReadWeight
from lorax_shard.weights import Checkpoint, StoredTensor

_STATE = ".weight.quant_state.bitsandbytes__"
_MAGNITUDES = ".weight.absmax"


class LevelledCheckpoint(Checkpoint):
    """A checkpoint in which linear layers are quantised by bitsandbytes, some or all."""

    def __init__(
        self, directory: Path, dtype: torch.dtype, device: torch.device, optional_prefix: str
    ) -> None:
        """See Checkpoint."""
        super().__init__(directory, dtype, device, optional_prefix)
        self._states = {name.partition(_STATE)[0]: name for name in self.names() if _STATE in name}
        if not self._states:
            raise UnsupportedCheckpoint(
                f"{self.what} says that bitsandbytes has quantised it, and no tensor is "
                f"so: expected *{_STATE}nf4 or *{_STATE}fp4"
            )

    @staticmethod
    def count(tensors: Iterable[StoredTensor]) -> tuple[int, int]:
        """Numbers that are plain, and bytes of memory that the others take."""
        listed = list(tensors)
        modules = {each.name.partition(_STATE)[0] for each in listed if _STATE in each.name}
        plain = taken = 0
        for tensor in listed:
            module, is_part, _ = tensor.name.partition(".weight")
            if not is_part or module not in modules:
                plain += tensor.numbers
            elif tensor.name.endswith(_MAGNITUDES):
                taken += tensor.numbers * torch.float32.itemsize
            elif tensor.name == f"{module}.weight":
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
        module = self._name_of(f"{name}.weight").removesuffix(".weight")
        if module not in self._states:
            return super().read_weight(name, shape, rows, columns)
        out_features, in_features = shape
        state = self._state(module, shape)
        size = state["blocksize"]
        outputs = range(out_features) if rows is None else rows
        inputs = range(in_features) if columns is None else columns
        each = in_features // 2  # bytes of an output
        packed = self.stored(
            f"{module}.weight",
            (out_features * each, 1),
            rows=range(outputs.start * each, outputs.stop * each),
        )
        if packed.dtype is not torch.uint8:
            raise CheckpointError(
                f"{self.what}: tensor {module}.weight must hold two numbers in a uint8, got "
                f"{packed.dtype}"
            )
        pairs = packed.view(len(outputs), each)
        numbers = torch.stack((pairs >> 4, pairs & 15), 2).flatten(1)
        magnitudes = self._magnitudes(module, state, out_features * in_features // size)
        scales = magnitudes.view(out_features, -1)[outputs.start : outputs.stop]
        places = torch.arange(inputs.start, inputs.stop, dtype=torch.int32)
        return group_numbers(
            numbers[:, inputs.start : inputs.stop].contiguous().to(self.device),
            scales.to(self.device),
            None,
            (places // size).to(self.device),
            4,
            self.dtype,
            self._floats(f"{module}.weight.quant_map", 16).to(self.device),
        )

    def _state(self, module: str, shape: tuple[int, ...]) -> dict[str, Any]:
        name = self._states[module]
        try:
            state: dict[str, Any] = json.loads(self.whole(name).numpy().tobytes())
            size, stored = int(state["blocksize"]), list(state["shape"])
        except (ValueError, TypeError, KeyError, RuntimeError) as error:
            raise CheckpointError(f"{self.what}: tensor {name} cannot be read: {error}") from None
        if stored != list(shape):
            raise CheckpointError(
                f"{self.what}: weight {module} must have shape {list(shape)} by config.json, got "
                f"{stored}"
            )
        if size < 2 or shape[1] % size:
            raise UnsupportedCheckpoint(
                f"{self.what}: weight {module} has blocks of {size} numbers, which {shape[1]} "
                "inputs of an output do not divide into: expected blocks of one output"
            )
        return state

    def _magnitudes(self, module: str, state: dict[str, Any], count: int) -> Tensor:
        """The largest magnitude of each block, [blocks] in float32."""
        name = f"{module}{_MAGNITUDES}"
        if "nested_blocksize" not in state:
            return self._floats(name, count)
        codes = self.stored(name, (count,))
        size = int(state["nested_blocksize"])
        own = self._floats(f"{module}.weight.nested_absmax", -(-count // size))
        known = self._floats(f"{module}.weight.nested_quant_map", 256)
        offset = float(state["nested_offset"])
        return known[codes.int()] * own.repeat_interleave(size)[:count] + offset

    def _floats(self, name: str, count: int) -> Tensor:
        tensor = self.stored(name, (count,))
        if tensor.dtype is not torch.float32:
            raise CheckpointError(
                f"{self.what}: tensor {name} must be of float32, got {tensor.dtype}"
            )
        return tensor
