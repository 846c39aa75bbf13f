"""Weights in the order in which the CPU kernels read them, and products with them.

Activations and results are float32. Weights are float32 or bfloat16, or of fewer bits with scales.
With a model in bfloat16 a processor that multiplies pairs of such numbers, or fours of bytes, in
one instruction does that: activations are rounded to bfloat16, or 32 at a time to bytes with a
scale, and sums are float32. Any other multiplies in float32. All tensors are contiguous.
"""

import ctypes
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from lorax_shard.layers.integer_words import (
    ROWS,
    Order,
    bytes_of_words,
    pairs_of_words,
    words_of_bytes,
    words_of_pairs,
)
from lorax_shard.layers.quantisation import GROUP, Int4Numbers

SUFFIXES = {torch.float32: "f32", torch.bfloat16: "bf16"}
# What the kernels call the formats of numbers that they widen.
KINDS = {torch.float32: 0, torch.bfloat16: 1, torch.float16: 2}
_P, _L = ctypes.c_void_p, ctypes.c_long
_BY_DTYPE = {"lorax_linear": [_P, _L, _L, _P, _P, _P, _L]}
_LEVELS = [_P, _L, _L, _P, _P, _L, _P, _L, _P, _P, _L]
_PLAIN = {
    "lorax_pack_8": [_P, _L, _L, _L, _P],
    "lorax_pack_16": [_P, _L, _L, _L, _P],
    "lorax_pack_32": [_P, _L, _L, _L, _P],
    "lorax_linear_i8": [_P, _L, _L, _L, _P, _P, _P, _P, _L],
    "lorax_linear_i4": [_P, _L, _L, _L, _P, _P, _L, _P, _P, _L, _P, _P, _L],
    "lorax_linear_grouped": [_P, _L, _L, _L, _P, _L, _P, _L, _P, _P, _P, _L, _P, _P, _L],
}


@dataclass(frozen=True, slots=True)
class PackedRows:
    """Numbers [out, n] of 1, 2 or 4 bytes, those of neighbouring outputs side by side."""

    data: Tensor  # [panels, n, panel], the last panel filled up with zeroes
    out_features: int


@dataclass(frozen=True, slots=True)
class PackedWeight:
    """A weight [out, in] as rows: numbers in float32, or pairs of bfloat16."""

    rows: PackedRows  # n is in or, of pairs, half of it rounded up
    dtype: torch.dtype
    in_features: int

    @property
    def out_features(self) -> int:
        """Rows of the weight."""
        return self.rows.out_features


@dataclass(frozen=True, slots=True)
class PackedInt8:
    """The numbers of a weight in int8, in the order in which the kernels read them."""

    words: PackedRows  # see integer_words
    scales: PackedRows  # [out, 1] in float32
    in_features: int


@dataclass(frozen=True, slots=True)
class PackedInt4:
    """The numbers of a weight in 4 bits, in groups that are equally long but for the last."""

    words: PackedRows  # see integer_words
    scales: PackedRows  # [out, groups] in float16, bfloat16 or float32
    minimums: PackedRows | None  # the same: what a number of 0 stands for
    zeros: PackedRows | None  # instead: the numbers that stand for 0, in uint8
    group: int  # inputs, a multiple of integer_words.RUN
    in_features: int


@dataclass(frozen=True, slots=True)
class PackedLevels:
    """The same of numbers that say which of 16 levels they are, for products of pairs."""

    words: PackedRows  # see integer_words
    scales: PackedRows  # [out, groups] in float16, bfloat16 or float32
    levels: Tensor  # [16] in float32
    group: int
    in_features: int


@dataclass(frozen=True, slots=True)
class PackedGroups:
    """The numbers of a weight in groups of any length, in the order in which kernels read them."""

    numbers: PackedRows  # bytes as GroupedNumbers has them
    scales: PackedRows  # in float16, bfloat16 or float32
    zeros: PackedRows | None
    bounds: Tensor  # [groups + 1] in int32: the first input of each, and how many there are
    bits: int  # 4 or 8
    levels: Tensor | None = None  # instead of zeros, as GroupedNumbers has them


class NativeWeights:
    """The functions of one library that are about weights."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._by_dtype = functions_by_dtype(library, _BY_DTYPE)
        self._plain = functions(library, _PLAIN)
        self.panel = int(library.lorax_panel())
        self.looks_levels_up = bool(library.lorax_looks_levels_up())
        if self.looks_levels_up:
            self._linear_levels = function(library, "lorax_linear_levels", _LEVELS)

    def pack(self, *parts: Tensor) -> PackedWeight:
        """Weights [out_p, in] in float32 or bfloat16, with outputs side by side."""
        dtype, depth = parts[0].dtype, parts[0].shape[1]
        if dtype is torch.bfloat16:  # bits are moved, whatever they mean
            even = [functional.pad(part, (0, depth % 2)) for part in parts]
            parts = tuple(part.contiguous().view(torch.int32) for part in even)
        return PackedWeight(self.pack_rows(*parts), dtype, depth)

    def unpack(self, weight: PackedWeight) -> Tensor:
        """The weight [out, in] again."""
        panels, count, panel = weight.rows.data.shape
        each = weight.rows.data.element_size() // weight.dtype.itemsize
        numbers = weight.rows.data.view(weight.dtype).view(panels, count, panel, each)
        rows = numbers.permute(0, 2, 1, 3).reshape(panels * panel, count * each)
        return rows[: weight.out_features, : weight.in_features].contiguous()

    def pack_rows(self, *parts: Tensor) -> PackedRows:
        """Numbers [out_p, n] of 1, 2 or 4 bytes, with outputs side by side."""
        packed = self._room(sum(map(len, parts)), parts[0].shape[1], parts[0].dtype)
        self._fill(packed, parts)
        return packed

    def pack_words(
        self, parts: Sequence[Tensor], words_of: Callable[[Tensor], Tensor]
    ) -> PackedRows:
        """The same of words that are made of numbers [out_p, n], some outputs at a time.

        So scratch stays small, however large a part is.
        """
        chunks = [chunk for part in parts for chunk in part.split(ROWS)]
        width = words_of(chunks[0][:1]).shape[1]
        packed = self._room(sum(map(len, parts)), width, torch.int32)
        self._fill(packed, map(words_of, chunks))
        return packed

    def _room(self, out: int, depth: int, dtype: torch.dtype) -> PackedRows:
        data = torch.empty(-(-out // self.panel), depth, self.panel, dtype=dtype)
        if out % self.panel:
            data[-1].zero_()
        return PackedRows(data, out)

    def _fill(self, packed: PackedRows, parts: Iterable[Tensor]) -> None:
        function = self._plain[f"lorax_pack_{8 * packed.data.dtype.itemsize}"]
        first = 0
        for part in parts:
            rows = part.contiguous()
            function(rows.data_ptr(), len(rows), rows.shape[1], first, packed.data.data_ptr())
            first += len(rows)

    def unpack_rows(self, packed: PackedRows) -> Tensor:
        """The numbers [out, n] again."""
        panels, depth, panel = packed.data.shape
        rows = packed.data.transpose(1, 2).reshape(panels * panel, depth)
        return rows[: packed.out_features].contiguous()

    def linear(self, x: Tensor, weight: PackedWeight, bias: Tensor | None) -> Tensor:
        """X [T, in] -> [T, out]; bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, weight.out_features)
        self._by_dtype["lorax_linear", weight.dtype](
            x.data_ptr(),
            rows,
            depth,
            weight.rows.data.data_ptr(),
            address(bias),
            out.data_ptr(),
            weight.out_features,
        )
        return out

    def pack_int8(self, numbers: Sequence[Tensor], scales: Tensor) -> PackedInt8:
        """Numbers [out_p, in] in int8 and scales [out] in float32, with outputs side by side."""
        words = self.pack_words(numbers, words_of_bytes)
        return PackedInt8(words, self.pack_rows(scales[:, None]), numbers[0].shape[1])

    def unpack_int8(self, packed: PackedInt8) -> tuple[Tensor, Tensor]:
        """Numbers [out, in] and scales [out] again."""
        numbers = bytes_of_words(self.unpack_rows(packed.words), packed.in_features)
        return numbers, self.unpack_rows(packed.scales)[:, 0]

    def linear_int8(
        self, x: Tensor, packed: PackedInt8, bias: Tensor | None, dtype: torch.dtype
    ) -> Tensor:
        """X [T, in] -> [T, out] with a model of this dtype; bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, packed.words.out_features)
        self._plain["lorax_linear_i8"](
            x.data_ptr(),
            rows,
            depth,
            dtype is torch.bfloat16,
            packed.words.data.data_ptr(),
            packed.scales.data.data_ptr(),
            address(bias),
            out.data_ptr(),
            packed.words.out_features,
        )
        return out

    def pack_int4(self, numbers: Int4Numbers) -> PackedInt4:
        """The same numbers, with those of neighbouring outputs side by side."""
        return PackedInt4(
            self.pack_words([numbers.pairs], partial(words_of_pairs, order=Order.FOURS)),
            self.pack_rows(numbers.scales),
            self.pack_rows(numbers.minimums),
            None,
            GROUP,
            numbers.in_features,
        )

    def unpack_int4(self, packed: PackedInt4) -> Int4Numbers:
        """The numbers again."""
        assert packed.minimums is not None
        scales = self.unpack_rows(packed.scales)
        return Int4Numbers(
            self.unpack_pairs(packed, scales.shape[1] * GROUP // 2),
            scales,
            self.unpack_rows(packed.minimums),
            packed.in_features,
        )

    def unpack_pairs(self, packed: PackedInt4 | PackedLevels, bytes_of_output: int) -> Tensor:
        """The numbers [out, bytes] in uint8, the first of two in the lower half of a byte."""
        order = Order.FOURS if isinstance(packed, PackedInt4) else Order.PAIRS
        return pairs_of_words(self.unpack_rows(packed.words), order, bytes_of_output)

    def linear_int4(
        self, x: Tensor, packed: PackedInt4, bias: Tensor | None, dtype: torch.dtype
    ) -> Tensor:
        """X [T, in] -> [T, out] with a model of this dtype; bias in float32."""
        rows, depth = x.shape
        out = x.new_empty(rows, packed.words.out_features)
        self._plain["lorax_linear_i4"](
            x.data_ptr(),
            rows,
            depth,
            dtype is torch.bfloat16,
            packed.words.data.data_ptr(),
            packed.scales.data.data_ptr(),
            KINDS[packed.scales.data.dtype],
            address(None if packed.minimums is None else packed.minimums.data),
            address(None if packed.zeros is None else packed.zeros.data),
            packed.group,
            address(bias),
            out.data_ptr(),
            packed.words.out_features,
        )
        return out

    def linear_levels(self, x: Tensor, packed: PackedLevels, bias: Tensor | None) -> Tensor:
        """X [T, in] -> [T, out] with a model in bfloat16; bias in float32. See looks_levels_up."""
        rows, depth = x.shape
        out = x.new_empty(rows, packed.words.out_features)
        self._linear_levels(
            x.data_ptr(),
            rows,
            depth,
            packed.words.data.data_ptr(),
            packed.scales.data.data_ptr(),
            KINDS[packed.scales.data.dtype],
            packed.levels.data_ptr(),
            packed.group,
            address(bias),
            out.data_ptr(),
            packed.words.out_features,
        )
        return out

    def linear_grouped(
        self, x: Tensor, packed: PackedGroups, bias: Tensor | None, dtype: torch.dtype
    ) -> Tensor:
        """X [T, in] -> [T, out] with a model of this dtype; bias in float32.

        The columns of x stand in the order of the groups. Widening to float32 is exact with scales
        of 16 bits.
        """
        rows, depth = x.shape
        out = x.new_empty(rows, packed.numbers.out_features)
        self._plain["lorax_linear_grouped"](
            x.data_ptr(),
            rows,
            depth,
            dtype is torch.bfloat16,
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
