"""Dense modules of sentence-transformers: linear layers behind the pooling."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.checkpoint_files import (
    CheckpointError,
    UnsupportedCheckpoint,
    read_json,
    read_tensors,
)
from lorax_shard.weights import SINGLE

_PICKLED = "pytorch_model.bin"
# By the names of their classes, without settings of their own: a file can hold none.
_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "torch.nn.modules.activation.Tanh": torch.tanh,
    "torch.nn.modules.activation.ReLU": functional.relu,
    "torch.nn.modules.activation.GELU": functional.gelu,
    "torch.nn.modules.activation.SiLU": functional.silu,
    "torch.nn.modules.activation.Sigmoid": torch.sigmoid,
    "torch.nn.modules.linear.Identity": lambda values: values,
}
_OF_NONE = "torch.nn.modules.activation.Tanh"
# A module could read something else than the vector of the text, or add what it read.
_EXPECTED = {
    "module_input_name": "sentence_embedding",
    "module_output_name": "sentence_embedding",
    "use_residual": False,
}


@dataclass(frozen=True, slots=True)
class Dense:
    """A linear layer and what follows it."""

    weight: Tensor  # float32 [out, in]
    bias: Tensor | None  # float32 [out]
    activation: Callable[[Tensor], Tensor]

    def __call__(self, vectors: Tensor) -> Tensor:
        """Float32 [B, in] -> float32 [B, out]."""
        return self.activation(functional.linear(vectors, self.weight, self.bias))


def read_dense(folder: Path, what: str, width: int, device: torch.device) -> Dense:
    """The module of a folder, which takes vectors of a width.

    Raises CheckpointError where its files contradict one another, UnsupportedCheckpoint where it
    does more than a linear layer.
    """
    config = folder / "config.json"
    raw = read_json(config, what)
    activation = _activation(raw, config, what)
    _refuse_more(raw, config, what)
    taken = _features(raw, "in_features", config, what)
    made = _features(raw, "out_features", config, what)
    if taken != width:
        raise CheckpointError(
            f"{what}: {config} takes vectors of {taken} numbers, the module before it makes {width}"
        )
    tensors = _tensors(folder, what)

    def tensor(name: str, *shape: int) -> Tensor:
        found = tensors.get(name)
        if found is None or tuple(found.shape) != shape:
            got = "none" if found is None else list(found.shape)
            raise CheckpointError(
                f"{what}: {folder} must have tensor {name} of shape {list(shape)} by its "
                f"config.json, got {got}"
            )
        return found.to(device, torch.float32)

    return Dense(
        tensor("linear.weight", made, taken),
        tensor("linear.bias", made) if raw.get("bias", True) else None,
        activation,
    )


def _activation(raw: Mapping[str, Any], config: Path, what: str) -> Callable[[Tensor], Tensor]:
    name = raw.get("activation_function", _OF_NONE)
    if name not in _ACTIVATIONS:
        known = ", ".join(each.rsplit(".", 1)[-1] for each in _ACTIVATIONS)
        raise UnsupportedCheckpoint(
            f"{what}: activation_function {name!r} of {config} is not supported: expected "
            f"PyTorch's {known}"
        )
    return _ACTIVATIONS[name]


def _refuse_more(raw: Mapping[str, Any], config: Path, what: str) -> None:
    for key, expected in _EXPECTED.items():
        found = raw.get(key)
        if found is not None and found != expected:
            raise UnsupportedCheckpoint(
                f"{what}: {key} {found!r} of {config} is not supported: expected {expected!r}"
            )


def _features(raw: Mapping[str, Any], key: str, config: Path, what: str) -> int:
    value = raw.get(key)
    if not isinstance(value, int) or value < 1:
        raise CheckpointError(f"{what}: {key} of {config} must be positive, got {value!r}")
    return value


def _tensors(folder: Path, what: str) -> Mapping[str, Tensor]:
    for name in (SINGLE, _PICKLED):
        if (folder / name).is_file():
            return read_tensors(folder / name, what).tensors
    raise CheckpointError(f"{what}: {folder} has no weights: expected {SINGLE} or {_PICKLED}")
