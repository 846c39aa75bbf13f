"""Reading safetensors checkpoints: one file or many with an index."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lorax_shard.checkpoint_files import (
    FILE_END,
    CheckpointError,
    header_of,
    label_of,
    open_safetensors,
    read_json,
)
from lorax_shard.layers.kept_weight import ReadWeight
from lorax_shard.layers.quantisation import Quantisation

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
_INDEX_END = f"{FILE_END}.index.json"


@dataclass(frozen=True, slots=True)
class WeightCount:
    """Numbers in the weights of a model."""

    table: int  # of the embeddings of tokens, which every shard holds whole
    linear: int  # of the linear layers, and of the norms, which are less than a hundredth of that
    head: int = 0  # of the output head
    packed: int = 0  # bytes of linear layers that the checkpoint has in few bits
    is_tied: bool = False  # the head is the table, unless it is quantised

    def bytes_of_shard(
        self, dtype: torch.dtype, quantisation: Quantisation | None, shards: int
    ) -> int:
        """What each of so many shards keeps; scales of quantised weights left out."""
        table = self.table * dtype.itemsize
        if quantisation is None:
            divided = self.linear + (0 if self.is_tied else self.head)
            return table + (divided * dtype.itemsize + self.packed) // shards
        bits = self.linear * quantisation.bits + self.head * quantisation.of_head.bits
        return table + bits // 8 // shards


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """What the header of a file says of a tensor."""

    name: str
    numbers: int
    bytes: int


def stored_tensors(directory: Path) -> Iterator[StoredTensor]:
    """All tensors of a model, from the headers of its files."""
    what = f"model {label_of(directory)}"
    for file in set(_file_of_each(directory, what).values()):
        for name, entry in header_of(directory / file, what).items():
            begin, end = entry["data_offsets"]
            yield StoredTensor(name, math.prod(entry["shape"]), end - begin)


def _file_of_each(directory: Path, what: str) -> dict[str, str]:
    """Files by tensor: from the index, or from the one file that has them all."""
    name = _weights_in(directory, what)
    if not name.endswith(_INDEX_END):
        return dict.fromkeys(header_of(directory / name, what), name)
    places = read_json(directory / name, what).get("weight_map")
    if not isinstance(places, dict):
        raise CheckpointError(f"{what}: {directory / name} lacks 'weight_map'")
    return {str(tensor): str(file) for tensor, file in places.items()}


def _weights_in(directory: Path, what: str) -> str:
    """The index or the file. Some quantisers name them otherwise, so the only one will do too."""
    for name in (INDEX, SINGLE):
        if (directory / name).is_file():
            return name
    for end in (_INDEX_END, FILE_END):
        files = [path.name for path in directory.glob(f"*{end}") if path.is_file()]
        others = sorted(name for name in files if not name.startswith("adapter_"))
        if len(others) == 1:
            return others[0]
        if others:
            raise CheckpointError(
                f"{what} has no weights of its own: expected {SINGLE}, {INDEX} or only one "
                f"*{end} in {directory}, got {', '.join(others)}"
            )
    raise CheckpointError(f"{what} has no weights: expected {SINGLE} or {INDEX} in {directory}")


class Checkpoint:
    """The tensors of a model directory, converted to one dtype and device as they are read."""

    def __init__(
        self,
        directory: Path,
        dtype: torch.dtype,
        device: torch.device,
        optional_prefix: str = "",
        quantisation: Quantisation | None = None,
    ) -> None:
        """optional_prefix: what the names of all tensors may lack that would begin with it."""
        self.quantisation = quantisation
        self.dtype = dtype
        self.device = device
        self.what = f"model {label_of(directory)}"
        self._optional_prefix = optional_prefix
        self._directory = directory
        self._files: dict[str, Any] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._file_of = _file_of_each(directory, self.what)

    def _open(self, name: str) -> Any:
        if name not in self._files:
            self._files[name] = open_safetensors(self._directory / name, self.what)
            # Asking a file for its names makes all of them anew.
            self._names[name] = frozenset(self._files[name].keys())
        return self._files[name]

    def names(self) -> Iterator[str]:
        """The tensors that there are."""
        return iter(self._file_of)

    def holds(self, name: str) -> bool:
        """Whether there is a tensor of this name, with the optional prefix or without."""
        return self._name_of(name) in self._file_of

    def read(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> Tensor:
        """See layers.linear.TensorReader."""
        tensor = self.stored(name, shape, rows, columns).to(self.device, self.dtype)
        return tensor.contiguous()

    def read_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> ReadWeight:
        """See layers.linear.TensorReader."""
        return self.read(f"{name}.weight", shape, rows, columns)

    def stored(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> Tensor:
        """A tensor or a part of it as the file has it, on the host; fails as read does."""
        found = self._found(name, f"of shape {list(shape)} ")
        if tuple(found.get_shape()) != shape:
            raise CheckpointError(
                f"{self.what}: tensor {self._name_of(name)} must have shape {list(shape)} by "
                f"config.json, got {list(found.get_shape())}"
            )
        if rows is not None:
            part: Tensor = found[rows.start : rows.stop]
        elif columns is not None:
            part = found[:, columns.start : columns.stop]
        else:
            part = found[:]
        return part

    def whole(self, name: str) -> Tensor:
        """A tensor of any shape as the file has it, on the host."""
        tensor: Tensor = self._found(name)[:]
        return tensor

    def _found(self, name: str, described: str = "") -> Any:
        """The slice of a file that is a tensor."""
        name = self._name_of(name)
        if name not in self._file_of:
            raise CheckpointError(
                f"{self.what} has no tensor {name} {described}among its {len(self._file_of)} "
                "tensors"
            )
        file = self._open(self._file_of[name])
        if name not in self._names[self._file_of[name]]:
            raise CheckpointError(
                f"{self.what}: its index places tensor {name} in {self._file_of[name]}, "
                "which does not hold it"
            )
        return file.get_slice(name)

    def _name_of(self, name: str) -> str:
        shorter = name.removeprefix(self._optional_prefix)
        return shorter if name not in self._file_of and shorter in self._file_of else name
