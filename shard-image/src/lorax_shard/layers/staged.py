"""Adapters in host memory as they will lie on a device: in one piece, which one copy brings there.

An adapter is hundreds of small matrices, each of which is scaled, turned over and put into its
place. That is done once, beside steps; loading what is staged costs what its bytes cost.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lorax_shard.layers.device_loads import near

# What is on the device twice while it is put into its places.
_AT_ONCE_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class StagedAdapter:
    """One adapter for one model and shard. Immutable; see AdapterTable.stage."""

    id: str
    rank: int  # the largest of its modules
    numbers: Tensor  # [n] in the dtype of the model, in pinned memory where the device is a GPU
    layers: frozenset[int]  # numbers of the linear layers that it touches, which lie there in turn

    @property
    def nbytes(self) -> int:
        """Host memory; of pinned memory PyTorch takes powers of two."""
        return 1 << (self.numbers.nbytes - 1).bit_length()


def staging_room(numbers: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Zeroes [numbers] on the host, from where a copy to the device goes on beside other work."""
    return torch.zeros(numbers, dtype=dtype, pin_memory=device.type == "cuda")


def put_part(places: Sequence[Tensor], part: int, down: Tensor, up: Tensor, scale: float) -> None:
    """Puts one projection of one adapter into its places, which may be on a device.

    places: [P*R, in], and [R, out_p] for each of P projections; down: [r, in], up: [out_p, r],
    r <= R. up is multiplied by the scale in float32. Ranks beyond r stay as they are.
    """
    whole, own = places[0], places[1 + part]
    bucket, rank = own.shape[0], down.shape[0]
    whole[part * bucket : part * bucket + rank] = near(down, whole.device)
    own[:rank] = (near(up, own.device).float() * scale).T


def split_places(numbers: Tensor, shapes: Sequence[Sequence[int]]) -> list[Tensor]:
    """Neighbouring parts of numbers [n], in these shapes."""
    parts = numbers.split([math.prod(shape) for shape in shapes])
    return [part.view(*shape) for part, shape in zip(parts, shapes, strict=True)]


def unload(numbers: Tensor, places: Sequence[Tensor]) -> None:
    """Copies numbers [n] to places on a device that hold as many, one after another."""
    first = 0
    for group in _groups(places):
        count = sum(place.numel() for place in group)
        arrived = near(numbers[first : first + count], group[0].device)
        _copy_all(group, split_places(arrived, [place.shape for place in group]))
        first += count


def _groups(places: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    group: list[Tensor] = []
    size = 0
    for place in places:
        if group and size + place.nbytes > _AT_ONCE_BYTES:
            yield group
            group, size = [], 0
        group.append(place)
        size += place.nbytes
    if group:
        yield group


def _copy_all(targets: list[Tensor], sources: list[Tensor]) -> None:
    """Many small copies on one device; by a few kernels where PyTorch has them."""
    together = getattr(torch, "_foreach_copy_", None)
    if together is not None:
        together(targets, sources)
        return
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)
