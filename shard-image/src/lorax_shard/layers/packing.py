"""How AWQ and GPTQ pack the numbers of a weight into words of 32 bits.

Both keep the weight [out, in] turned: GPTQ has words of neighbouring inputs [in / n, out], AWQ of
neighbouring outputs [in, out / n], n being 32 / bits. Zeros lie in words of outputs, [groups,
out / n], scales one by one, [groups, out].
"""

from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor

_WORD = 32
# Which of eight neighbours each place of AWQ's words has, as its kernels like to widen them.
_AWQ_PLACES = [0, 4, 1, 5, 2, 6, 3, 7]


class PackingMethod(Enum):
    """Who made the numbers; the names are those of quant_method and of --quantize."""

    AWQ = "awq"
    GPTQ = "gptq"
    BITSANDBYTES = "bitsandbytes"


@dataclass(frozen=True, slots=True)
class Packing:
    """How a checkpoint has its linear layers in few bits."""

    method: PackingMethod
    bits: int  # 4 or 8
    group_size: int  # inputs that share a scale and a zero; -1 are all of an output
    has_order: bool = False  # act-order: a tensor g_idx says of which group each input is
    zeros_less_one: bool = False  # GPTQ's first format: each zero is stored less 1
    zeros_borrow: bool = False  # and a zero of 0 has borrowed from the next one of its word
    plain_modules: tuple[str, ...] = ()  # modules that are not packed

    @property
    def per_word(self) -> int:
        """Numbers in a word."""
        return _WORD // self.bits

    def groups(self, in_features: int) -> int:
        """How many groups the inputs of an output are in."""
        return 1 if self.group_size == -1 else -(-in_features // self.group_size)

    def __str__(self) -> str:
        """For people."""
        size = "an output" if self.group_size == -1 else f"{self.group_size} inputs"
        return f"{self.bits} bits of {self.method.value} with a scale for {size}"


class AmbiguousZeros(ValueError):
    """Zeros of 0 whose writer is unknown: some writers lost their neighbours."""


def covering(part: range, size: int) -> range:
    """The words of this size that hold a part."""
    return range(part.start // size, -(-part.stop // size))


def unpack_numbers(words: Tensor, packing: Packing) -> Tensor:
    """Words [in / n, out] of GPTQ or [in, out / n] of AWQ -> numbers [out, in] in uint8."""
    if packing.method is PackingMethod.GPTQ:
        return _fields(words, packing.bits).permute(1, 0, 2).flatten(1)
    return _fields(words, packing.bits)[:, :, _AWQ_PLACES].flatten(1).T


def unpack_zeros(words: Tensor, packing: Packing) -> Tensor:
    """Words [groups, out / n] -> zeros [out, groups] in uint8."""
    if packing.method is PackingMethod.AWQ:
        return _fields(words, packing.bits)[:, :, _AWQ_PLACES].flatten(1).T
    if packing.zeros_less_one:
        most = 2**packing.bits - 1
        if not packing.zeros_borrow and bool((_fields(words, packing.bits) == most).any()):
            raise AmbiguousZeros
        # One for each number, by an addition of the whole word: it gives back what was borrowed.
        ones = sum(1 << place for place in range(0, _WORD, packing.bits))
        words = words + ones
    return _fields(words, packing.bits).flatten(1).T


def _fields(words: Tensor, bits: int) -> Tensor:
    """Words [n, m] in int32 -> [n, m, 32 / bits] in uint8, the lowest bits first."""
    octets = words.contiguous().view(torch.uint8).view(*words.shape, _WORD // 8)
    if bits == 8:
        return octets
    return torch.stack((octets & 15, octets >> 4), -1).flatten(-2)
