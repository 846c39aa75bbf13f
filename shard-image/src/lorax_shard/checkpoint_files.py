"""The files that weights come in: safetensors, those of torch.save, and the JSON beside them."""

import contextlib
import json
import math
import mmap
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from lorax_shard.failure import CodedError, FailureCode

FILE_END = ".safetensors"
# MADV_POPULATE_READ of Linux 5.14: maps the pages at once that would be met one by one. An older
# kernel refuses it, and nothing is lost but time.
_POPULATE_READ = 22
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
    with _open(path, what) as file:
        return _header(file, path, what).data_bytes


def header_of(path: Path, what: str) -> Mapping[str, Any]:
    """The entries of the tensors; checked against the length of the file."""
    with _open(path, what) as file:
        return _header(file, path, what).entries


@dataclass(frozen=True, slots=True)
class _Part:
    """A tensor in a file whose tensors are all of one dtype."""

    name: str
    shape: Sequence[int]
    numbers: int


@dataclass(frozen=True, slots=True)
class _Header:
    """What a file of safetensors says of itself."""

    entries: Mapping[str, Any]
    data_bytes: int
    dtype: torch.dtype | None  # of all tensors; None where there are several or none
    parts: Sequence[_Part]  # without a dtype none, else all, as they follow one another


def _open(path: Path, what: str) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise CheckpointError(f"{what} has no {path.name}: {path} does not exist") from None
    except OSError as error:
        raise _unreadable(path, what, error) from None


def _unreadable(path: Path, what: str, error: OSError) -> CheckpointError:
    return CheckpointError(f"{what}: {path} cannot be read: {error.strerror}")


def _header(file: BinaryIO, path: Path, what: str) -> _Header:
    size = os.fstat(file.fileno()).st_size
    try:
        length = int.from_bytes(file.read(8), "little")
        # A length beyond the file is read as what there is, and is no JSON then.
        header = _parsed(file.read(min(length, size)))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(f"{what}: {path} is not a safetensors file: {error}") from None
    expected = 8 + length + header.data_bytes
    if size != expected:
        raise CheckpointError(
            f"{what}: {path} is damaged: expected {expected} bytes by its header, got {size}; "
            "download it again"
        )
    return header


# Adapters of one model that change the same layers have the same header, to the byte.
@lru_cache(maxsize=8)
def _parsed(header: bytes) -> _Header:
    entries: dict[str, Any] = json.loads(header)
    entries.pop("__metadata__", None)
    end = max((entry["data_offsets"][1] for entry in entries.values()), default=0)
    kinds = {str(entry.get("dtype")) for entry in entries.values()}
    dtype = _DTYPES.get(kinds.pop()) if len(kinds) == 1 else None
    return _Header(entries, end, dtype, [] if dtype is None else _parts(entries, dtype))


def _parts(entries: Mapping[str, Any], dtype: torch.dtype) -> list[_Part]:
    parts, end = [], 0
    for name, entry in sorted(entries.items(), key=lambda entry: entry[1]["data_offsets"]):
        part = _Part(name, entry["shape"], math.prod(entry["shape"]))
        place = [end, end := end + part.numbers * dtype.itemsize]
        if entry["data_offsets"] != place or min(part.shape, default=0) < 0:
            raise ValueError(
                f"tensor {name} of shape {part.shape} must be at {place}, got "
                f"{entry['data_offsets']}"
            )
        parts.append(part)
    return parts


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
    with _open(path, what) as file:
        header = _header(file, path, what)
        if header.dtype is not None:
            try:
                return _read_alike(file, header, header.dtype)
            except OSError as error:
                raise _unreadable(path, what, error) from None
    with open_safetensors(path, what) as content:
        tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
    return TensorFile(tensors, list(tensors.values()))


def _read_alike(file: BinaryIO, header: _Header, dtype: torch.dtype) -> TensorFile:
    """Tensors of one dtype as parts of one, which is mapped from the file.

    An adapter is hundreds of small tensors, and reading them one by one takes four times as long.
    """
    size = os.fstat(file.fileno()).st_size
    # Nobody writes to it, but torch warns of what it could not write to.
    mapped = mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    with contextlib.suppress(OSError):
        mapped.madvise(_POPULATE_READ)
    begin = size - header.data_bytes
    data = torch.frombuffer(mapped, dtype=torch.uint8)[begin:]
    numbers = (data if begin % dtype.itemsize == 0 else data.clone()).view(dtype)
    split = numbers.split([part.numbers for part in header.parts])
    tensors = {
        part.name: own.view(part.shape) for part, own in zip(header.parts, split, strict=True)
    }
    return TensorFile(tensors, [numbers])
