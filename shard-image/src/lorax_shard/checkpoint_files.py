"""The files that weights come in: safetensors, those of torch.save, and the JSON beside them."""

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lorax_shard.failure import CodedError, FailureCode

FILE_END = ".safetensors"
_DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


class CheckpointError(CodedError):
    """The files of a model or adapter are missing, unreadable or do not fit together."""

    code = FailureCode.CORRUPT_FILE


class UnsupportedCheckpoint(CheckpointError):
    """The files are whole and well, and ask for what is not there."""

    code = FailureCode.UNSUPPORTED_MODEL


def label_of(directory: Path) -> str:
    """A model's name in errors: owner/name@commit of a hub's snapshot, else its directory's."""
    if directory.parent.name != "snapshots":
        return directory.name
    _, _, repository = directory.parent.parent.name.partition("--")
    return f"{repository.replace('--', '/')}@{directory.name[:12]}"


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
    spans = [entry["data_offsets"] for entry in header_of(path, what).values()]
    return max((end for _, end in spans), default=0)


def header_of(path: Path, what: str) -> dict[str, Any]:
    """The entries of the tensors; checked against the length of the file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            # A length beyond the file is read as what there is, and is no JSON then.
            header = file.read(min(length, path.stat().st_size))
        entries: dict[str, Any] = json.loads(header)
        entries.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    except FileNotFoundError:
        raise CheckpointError(f"{what} has no {path.name}: {path} does not exist") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{what}: {path} is not a safetensors file: {error}") from None
    size = path.stat().st_size
    if size != 8 + length + end:
        raise CheckpointError(
            f"{what}: {path} is damaged: expected {8 + length + end} bytes by its header, got "
            f"{size}; download it again"
        )
    return entries


def read_pickled_tensors(path: Path, what: str) -> dict[str, Tensor]:
    """The tensors of a file of torch.save. Nothing in it is run: what is no tensor is refused."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise CheckpointError(
            f"{what}: {path} is no file of tensors alone ({reason}): save it as safetensors"
        ) from None
    if not isinstance(content, dict) or not all(isinstance(t, Tensor) for t in content.values()):
        raise CheckpointError(f"{what}: {path} must hold tensors by name: save it as safetensors")
    return {str(name): tensor for name, tensor in content.items()}


@dataclass(frozen=True, slots=True)
class TensorFile:
    """All tensors of a file, on the host."""

    tensors: dict[str, Tensor]
    numbers: Sequence[Tensor]  # the same numbers in as few tensors as hold them


def read_tensors(path: Path, what: str) -> TensorFile:
    """All tensors of a file of safetensors or of torch.save."""
    if path.suffix != FILE_END:
        tensors = read_pickled_tensors(path, what)
        return TensorFile(tensors, list(tensors.values()))
    header = header_of(path, what)
    kinds = {str(entry.get("dtype")) for entry in header.values()}
    if len(kinds) == 1 and (dtype := _DTYPES.get(kinds.pop())) is not None:
        return _read_alike(path, what, header, dtype)
    with open_safetensors(path, what) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return TensorFile(tensors, list(tensors.values()))


def _read_alike(path: Path, what: str, header: Mapping[str, Any], dtype: torch.dtype) -> TensorFile:
    """Tensors of one dtype as parts of one, which is mapped from the file.

    An adapter is hundreds of small tensors, and reading them one by one takes four times as long.
    """
    size = path.stat().st_size
    try:
        entries = sorted(header.items(), key=lambda entry: entry[1]["data_offsets"])
        begin = size - entries[-1][1]["data_offsets"][1]
        data = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)[begin:]
        numbers = (data if begin % dtype.itemsize == 0 else data.clone()).view(dtype)
        parts = numbers.split([math.prod(entry["shape"]) for _, entry in entries])
        tensors, end = {}, 0
        for (name, entry), part in zip(entries, parts, strict=True):
            tensors[name] = part.view(entry["shape"])
            place = [end, end := end + part.nbytes]
            if entry["data_offsets"] != place:
                raise ValueError(f"tensor {name} must be at {place}, got {entry['data_offsets']}")
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{what}: {path} is not a safetensors file: {error}") from None
    return TensorFile(tensors, [numbers])
