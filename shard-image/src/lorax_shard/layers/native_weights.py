"""Weights in the order in which the CPU kernels read them, and products with them.

Activations and results are float32. Weights are float32 or bfloat16, or of fewer bits with scales.
All tensors are contiguous.
"""

import ctypes
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lorax_shard.layers.quantisation import Int4Numbers

SUFFIXES = {torch.float32: "f32", torch.bfloat16: "bf16"}
# What the kernels call the formats of numbers that they widen.
KINDS = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
_P, _L = ctypes.c_void_p, ctypes.c_long
_BY_DTYPE = {
    "lorax_pack": [_P, _L, _L, _L, _P],
    "lorax_linear": [_P, _L, _L, _P, _P, _P, _L],
}
_PLAIN = {
    "lorax_pack_i8": [_P, _L, _L, _L, _P],
    "lorax_linear_i8": [_P, _L, _L, _P, _P, _P, _P, _L],
    "lorax_linear_i4": [_P, _L, _L, _P, _P, _P, _P, _P, _L],
    "lorax_linear_grouped": [_P, _L, _L, _P, _L, _P, _L, _P, _P, _P, _L, _P, _P, _L],
}


@dataclass(frozen=True, slots=True)
class PackedWeight:
    """A weight [out, in] in the order in which the kernels read it."""

    data: Tensor  # [panels, in, panel], the last panel filled up with zeroes
    out_features: int

    @property
    def in_features(self) -> int:
        """Columns of the weight."""
        return self.data.shape[1]


@dataclass(frozen=True, slots=True)
class PackedInt4:
    """The numbers of a weight in int4, in the order in which the kernels read them."""

    pairs: PackedWeight
    scales: PackedWeight
    minimums: PackedWeight
    in_features: int


@dataclass(frozen=True, slots=True)
class PackedGroups:
    """The numbers of a weight in groups of any length, in the order in which kernels read them."""

    numbers: PackedWeight  # bytes as GroupedNumbers has them
    scales: PackedWeight  # in float16, bfloat16 or float32
    zeros: PackedWeight | None
    bounds: Tensor  # [groups + 1] in int32: the first input of each, and how many there are
    bits: int  # 4 or 8
    levels: Tensor | None = None  # instead of zeros, as GroupedNumbers has them


class NativeWeights:
    """The functions of one library that are about weights."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._by_dtype = functions_by_dtype(library, _BY_DTYPE)
        self._plain = functions(library, _PLAIN)
        self.panel = int(library.lorax_panel())

    def pack(self, *parts: Tensor) -> PackedWeight:
        """Weights [out, in] of 1, 2 or 4 bytes each, as one whose outputs lie side by side."""
        out, depth = sum(len(part) for part in parts), parts[0].shape[1]
        data = parts[0].new_empty(-(-out // self.panel), depth, self.panel)
        if out % self.panel:
            data[-1].zero_()
        if data.dtype is torch.int8:
            function = self._plain["lorax_pack_i8"]
        else:
            # Bits are moved, whatever they mean.
            like = torch.bfloat16 if data.dtype is torch.float16 else data.dtype
            function = self._by_dtype["lorax_pack", like]
        first = 0
        for part in parts:
            rows = part.contiguous()
            function(rows.data_ptr(), len(rows), depth, first, data.data_ptr())
            first += len(rows)
        return PackedWeight(data, out)

    def unpack(self, weight: PackedWeight) -> Tensor:
        """The weight [out, in] again."""
        panels, depth, panel = weight.data.shape
        data = weight.data
        if data.dtype.itemsize == 2:  # its halves are interleaved
            data = data.view(panels, depth, panel // 2, 2).transpose(2, 3)
        rows = data.reshape(panels, depth, panel).transpose(1, 2).reshape(panels * panel, depth)
        return rows[: weight.out_features].contiguous()

    def linear(self, x: Tensor, weight: PackedWeight, bias: Tensor | None) -> Tensor:
        """X [T, in] -> [T, out]; bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, weight.out_features)
        self._by_dtype["lorax_linear", weight.data.dtype](
            x.data_ptr(),
            rows,
            depth,
            weight.data.data_ptr(),
            address(bias),
            out.data_ptr(),
            weight.out_features,
        )
        return out

    def linear_int8(
        self, x: Tensor, numbers: PackedWeight, scales: Tensor, bias: Tensor | None
    ) -> Tensor:
        """X [T, in] -> [T, out]; numbers in int8, scales [out] and bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, numbers.out_features)
        self._plain["lorax_linear_i8"](
            x.data_ptr(),
            rows,
            depth,
            numbers.data.data_ptr(),
            scales.data_ptr(),
            address(bias),
            out.data_ptr(),
            numbers.out_features,
        )
        return out

    def pack_int4(self, numbers: Int4Numbers) -> PackedInt4:
        """The same numbers, with those of neighbouring outputs side by side."""
        return PackedInt4(
            self.pack(numbers.pairs.view(torch.int8)),
            self.pack(numbers.scales),
            self.pack(numbers.minimums),
            numbers.in_features,
        )

    def unpack_int4(self, packed: PackedInt4) -> Int4Numbers:
        """The numbers again."""
        return Int4Numbers(
            self.unpack(packed.pairs).view(torch.uint8),
            self.unpack(packed.scales),
            self.unpack(packed.minimums),
            packed.in_features,
        )

    def linear_int4(self, x: Tensor, packed: PackedInt4, bias: Tensor | None) -> Tensor:
        """X [T, in] -> [T, out]; bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, packed.pairs.out_features)
        self._plain["lorax_linear_i4"](
            x.data_ptr(),
            rows,
            depth,
            packed.pairs.data.data_ptr(),
            packed.scales.data.data_ptr(),
            packed.minimums.data.data_ptr(),
            address(bias),
            out.data_ptr(),
            packed.pairs.out_features,
        )
        return out

    def linear_grouped(self, x: Tensor, packed: PackedGroups, bias: Tensor | None) -> Tensor:
        """X [T, in], whose columns stand in the order of the groups, -> [T, out]; bias in float32.

        Widening is exact with scales of 16 bits.
        """
        rows, depth = x.shape
        out = x.new_empty(rows, packed.numbers.out_features)
        self._plain["lorax_linear_grouped"](
            x.data_ptr(),
            rows,
            depth,
            packed.numbers.data.data_ptr(),
            packed.bits,
            packed.scales.data.data_ptr(),
            KINDS[packed.scales.data.dtype],
            address(None if packed.zeros is None else packed.zeros.data),
            address(packed.levels),
            packed.bounds.data_ptr(),
            len(packed.bounds) - 1,
            address(bias),
            out.data_ptr(),
            packed.numbers.out_features,
        )
        return out


def functions(library: ctypes.CDLL, signatures: dict[str, list[Any]]) -> dict[str, Any]:
    """Functions by name, of these arguments and without a result."""
    return {name: function(library, name, words) for name, words in signatures.items()}


def functions_by_dtype(
    library: ctypes.CDLL, signatures: dict[str, list[Any]]
) -> dict[tuple[str, torch.dtype], Any]:
    """The same of which there is one for each number format."""
    return {
        (name, dtype): function(library, f"{name}_{suffix}", words)
        for name, words in signatures.items()
        for dtype, suffix in SUFFIXES.items()
    }


def function(library: ctypes.CDLL, name: str, arguments: list[Any], result: Any = None) -> Any:
    """One function of a library."""
    found = getattr(library, name)
    found.argtypes = arguments
    found.restype = result
    return found


def address(tensor: Tensor | None) -> int | None:
    """Where the numbers lie, NULL for none."""
    return None if tensor is None else tensor.data_ptr()
