"""Reading an adapter's weights and checking that they fit the base model."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import torch
from torch import Tensor

from lorax_shard.adapters.config import AdapterConfig, read_adapter_config
from lorax_shard.checkpoint_files import (
    CheckpointError,
    UnsupportedCheckpoint,
    read_pickled_tensors,
    read_tensors,
    safetensors_bytes,
)
from lorax_shard.downloads.files import WEIGHTS
from lorax_shard.layers.lora_linear import LoraMatrices, Projection
from lorax_shard.layers.native import native_kernels

GiveWay: TypeAlias = Callable[[], None]  # called again and again by what takes long

_CHECKED_AT_ONCE = 1 << 20  # numbers
_PREFIX = "base_model.model."
_MARK = ".lora_"
_SIDES = {"A.weight": "A", "B.weight": "B", "magnitude_vector": "M", "magnitude_vector.weight": "M"}
_NAMES = {"A": "lora_A.weight", "B": "lora_B.weight", "M": "lora_magnitude_vector"}


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter in host memory, checked against the base model. Immutable."""

    id: str
    rank: int  # the largest of its modules
    matrices: Mapping[str, LoraMatrices]  # by projection name; layers may be missing

    @property
    def uses_dora(self) -> bool:
        """Whether it multiplies the base model's weights, beside adding to them."""
        return any(pair.magnitude is not None for pair in self.matrices.values())


def adapter_bytes(directory: Path, adapter_id: str) -> int:
    """Size of an adapter's weights, unread where there is a header. Checks the configuration."""
    what = f"adapter {adapter_id}"
    read_adapter_config(directory, adapter_id)
    path = _weights_file(directory, what)
    if path.suffix == ".safetensors":
        return safetensors_bytes(path, what)
    return sum(tensor.nbytes for tensor in read_pickled_tensors(path, what).values())


def go_on() -> None:
    """Gives way to nobody."""


def read_adapter(
    directory: Path,
    adapter_id: str,
    projections: Mapping[str, Projection],
    give_way: GiveWay = go_on,
) -> Adapter:
    """Reads an adapter; what it would change must be in projections and fit their shapes.

    An adapter may leave out modules or layers: those behave like the base model.
    """
    what = f"adapter {adapter_id}"
    config = read_adapter_config(directory, adapter_id)
    path = _weights_file(directory, what)
    file = read_tensors(path, what)
    give_way()
    tensors = file.tensors
    _drop_frozen_copies(tensors, projections, config, what)
    pairs = _pair(tensors, config, what)
    give_way()
    unknown = sorted(pairs.keys() - projections.keys())
    if unknown:
        kinds = sorted({name.rsplit(".", 1)[-1] for name in projections})
        raise CheckpointError(
            f"{what}{config.made_for} changes {unknown[0]}, which the base model does not have or "
            f"cannot adapt: expected {', '.join(kinds)} of an existing layer"
        )
    if not pairs:
        raise CheckpointError(f"{what}: {path.name} holds no LoRA weights")
    matrices = {}
    for name, pair in pairs.items():
        matrices[name] = _checked(projections[name], pair, config, what)
        give_way()
    for numbers in file.numbers:
        for some in numbers.flatten().split(_CHECKED_AT_ONCE):
            give_way()
            if not _are_finite(some):
                _refuse_infinite(tensors, what)
    rank = max(pair.down.shape[0] for pair in matrices.values())
    return Adapter(adapter_id, rank, matrices)


def _weights_file(directory: Path, what: str) -> Path:
    for name in WEIGHTS:
        if (directory / name).is_file():
            return directory / name
    raise CheckpointError(f"{what} has no weights: expected {' or '.join(WEIGHTS)}")


def _drop_frozen_copies(
    tensors: dict[str, Tensor],
    projections: Mapping[str, Projection],
    config: AdapterConfig,
    what: str,
) -> None:
    """Forgets the copies of the base's own head and embedding that PEFT saves beside the update.

    LoRA trains neither, so a copy of the same shape says nothing new; another shape means that the
    vocabulary was resized, which is another base model.
    """
    head = projections.get("lm_head")
    if head is None:
        return
    expected = [head.out_features, head.in_features]
    for name in ("lm_head.base_layer.weight", "model.embed_tokens.weight"):
        copy = tensors.pop(_PREFIX + name, None)
        if copy is not None and list(copy.shape) != expected:
            raise CheckpointError(
                f"{what}{config.made_for} does not fit the base model: tensor {_PREFIX}{name} "
                f"must have shape {expected}, got {list(copy.shape)}"
            )


def _pair(
    tensors: dict[str, Tensor], config: AdapterConfig, what: str
) -> dict[str, dict[str, Tensor]]:
    """The tensors of each module by their side: A, B, and with DoRA M."""
    sides: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        module, _, ending = name.rpartition(_MARK)
        side = _SIDES.get(ending)
        if side is None or not module.startswith(_PREFIX):
            raise UnsupportedCheckpoint(
                f"{what}: tensor {name} is not supported: "
                f"expected {_PREFIX}<module>.lora_A.weight or .lora_B.weight"
            )
        if side == "M" and not config.uses_dora:
            raise CheckpointError(
                f"{what}: tensor {name} belongs to DoRA, but adapter_config.json has no use_dora"
            )
        sides.setdefault(module.removeprefix(_PREFIX), {})[side] = tensor
    needed = {"A", "B", "M"} if config.uses_dora else {"A", "B"}
    for module, pair in sides.items():
        if pair.keys() != needed:
            lacking = min(needed - pair.keys())
            raise CheckpointError(f"{what}: tensor {_PREFIX}{module}.{_NAMES[lacking]} is missing")
    return sides


def _checked(
    projection: Projection, tensors: Mapping[str, Tensor], config: AdapterConfig, what: str
) -> LoraMatrices:
    rank = config.rank_of(projection.name)
    expected = {
        "A": (rank, projection.in_features),
        "B": (projection.out_features, rank),
        "M": (projection.out_features,),
    }
    for side, tensor in tensors.items():
        if tensor.shape != expected[side]:
            raise CheckpointError(
                f"{what}{config.made_for} does not fit the base model: tensor "
                f"{_PREFIX}{projection.name}.{_NAMES[side]} must have shape "
                f"{list(expected[side])}, got {list(tensor.shape)}"
            )
    scale = config.scale_of(projection.name)
    return LoraMatrices(tensors["A"], tensors["B"], scale, tensors.get("M"))


def _refuse_infinite(tensors: Mapping[str, Tensor], what: str) -> None:
    for name, tensor in tensors.items():
        if not _are_finite(tensor):
            raise CheckpointError(f"{what}: tensor {name} holds NaN or infinite values")


def _are_finite(numbers: Tensor) -> bool:
    """Whether all are. The least and the greatest are NaN where any is."""
    kernels = native_kernels(numbers.device, torch.float32)
    if kernels is not None:
        return kernels.are_finite(numbers)
    if numbers.numel() == 0:
        return True
    return all(math.isfinite(bound) for bound in torch.aminmax(numbers))
