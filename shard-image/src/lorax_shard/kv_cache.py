"""The paged cache of keys and values: blocks that the router hands out, block 0 left to spare."""

import math
import mmap
from dataclasses import dataclass

import torch

from lorax_shard.layers.attention import LayerCache

BLOCK_SIZE = 16


@dataclass(frozen=True, slots=True)
class KvShape:
    """What one token occupies on this shard."""

    layers: int
    kv_heads: int
    head_dim: int
    dtype: torch.dtype

    @property
    def block_bytes(self) -> int:
        """Bytes of one block in all layers, keys and values."""
        per_token = self.layers * self.kv_heads * self.head_dim * 2 * self.dtype.itemsize
        return BLOCK_SIZE * per_token


class KvCache:
    """Keys and values of all layers, [layers, blocks, block_size, K, D] each.

    Confined to the compute thread. Who owns which block is the router's business; the cache only
    knows how many there are.
    """

    def __init__(self, shape: KvShape, blocks: int, device: torch.device) -> None:
        size = (shape.layers, blocks, BLOCK_SIZE, shape.kv_heads, shape.head_dim)
        self._keys = _zeros(size, shape.dtype, device)
        self._values = _zeros(size, shape.dtype, device)
        self.blocks = blocks
        self.layers = [
            LayerCache(keys, values) for keys, values in zip(self._keys, self._values, strict=True)
        ]

    @property
    def tokens(self) -> int:
        """How many tokens fit, block 0 included."""
        return self.blocks * BLOCK_SIZE

    def scrub(self, blocks: torch.Tensor) -> None:
        """Zeroes blocks that may hold NaN, before another sequence is given them."""
        self._keys[:, blocks] = 0
        self._values[:, blocks] = 0

    def scrub_slots(self, slots: torch.Tensor) -> None:
        """The same for single tokens: slots [n] = block * BLOCK_SIZE + offset."""
        self._keys.flatten(1, 2)[:, slots] = 0
        self._values.flatten(1, 2)[:, slots] = 0


def _zeros(size: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Zeroes, because masked places are still multiplied: 0 * NaN would be NaN.

    On a host they are anonymous memory, whose zero pages are mapped when they are first written;
    torch would write them all, and a cache as large as the free memory would take a minute to make.
    numpy would ask for huge pages: the first token of a replica then waited 0.3 s for the kernel to
    find and clear one for each layer, and so would others as the cache fills (measured).
    """
    if device.type != "cpu":
        return torch.zeros(size, dtype=dtype, device=device)
    pages = mmap.mmap(
        -1, math.prod(size) * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    )
    return torch.frombuffer(pages, dtype=dtype).view(size)
