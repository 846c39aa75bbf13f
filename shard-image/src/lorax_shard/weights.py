"""Reading safetensors checkpoints: one file or many with an index."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"


class CheckpointError(ValueError):
    """The files of a model or adapter are missing, unreadable or do not fit together."""


def read_json(path: Path, what: str) -> dict[str, Any]:
    """A JSON object from a file; `what` names it in errors ("model", "adapter sql")."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{what} has no {path.name}: {path} does not exist") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{what}: {path} cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        kind = type(content).__name__
        raise CheckpointError(f"{what}: {path} must hold a JSON object, got a {kind}")
    return content


def open_safetensors(path: Path, what: str) -> Any:
    """A memory-mapped safetensors file whose tensors are read on the host."""
    try:
        return safe_open(path, framework="pt")
    except FileNotFoundError:
        raise CheckpointError(f"{what} has no {path.name}: {path} does not exist") from None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{what}: {path} is not a safetensors file: {error}") from None


def safetensors_bytes(path: Path, what: str) -> int:
    """Bytes of the tensors in a file, from its header alone."""
    with path.open("rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        header = file.read(length)
    if len(prefix) < 8 or len(header) < length:
        raise CheckpointError(f"{what}: {path} is not a safetensors file: the header is cut off")
    entries: Mapping[str, Any] = json.loads(header)
    spans = [entry["data_offsets"] for name, entry in entries.items() if name != "__metadata__"]
    return max((end for _, end in spans), default=0)


class Checkpoint:
    """The tensors of a model directory, converted to one dtype and device as they are read."""

    def __init__(self, directory: Path, dtype: torch.dtype, device: torch.device) -> None:
        self._directory = directory
        self._dtype = dtype
        self._device = device
        self._what = f"model {directory.name}"
        self._files: dict[str, Any] = {}
        self._file_of = self._locate()

    def _locate(self) -> dict[str, str]:
        if (self._directory / INDEX).is_file():
            index = read_json(self._directory / INDEX, self._what)
            return {str(tensor): str(file) for tensor, file in index["weight_map"].items()}
        if not (self._directory / SINGLE).is_file():
            raise CheckpointError(
                f"{self._what} has no weights: expected {SINGLE} or {INDEX} in {self._directory}"
            )
        return dict.fromkeys(self._open(SINGLE).keys(), SINGLE)

    def _open(self, name: str) -> Any:
        if name not in self._files:
            self._files[name] = open_safetensors(self._directory / name, self._what)
        return self._files[name]

    def read(
        self,
        name: str,
        shape: tuple[int, ...],
        rows: range | None = None,
        columns: range | None = None,
    ) -> Tensor:
        """See layers.linear.TensorReader."""
        if name not in self._file_of:
            raise CheckpointError(
                f"{self._what} has no tensor {name} of shape {list(shape)} "
                f"among its {len(self._file_of)} tensors"
            )
        file = self._open(self._file_of[name])
        if name not in file.keys():  # noqa: SIM118 - a safetensors file is no mapping
            raise CheckpointError(
                f"{self._what}: {INDEX} places tensor {name} in {self._file_of[name]}, "
                "which does not hold it"
            )
        stored = file.get_slice(name)
        if tuple(stored.get_shape()) != shape:
            raise CheckpointError(
                f"{self._what}: tensor {name} must have shape {list(shape)} by config.json, "
                f"got {list(stored.get_shape())}"
            )
        if rows is not None:
            part = stored[rows.start : rows.stop]
        elif columns is not None:
            part = stored[:, columns.start : columns.stop]
        else:
            part = stored[:]
        tensor: Tensor = part.to(self._device, self._dtype)
        return tensor.contiguous()
