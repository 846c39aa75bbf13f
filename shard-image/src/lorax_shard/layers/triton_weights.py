"""Triton kernels for CUDA: products of few rows with weights in few bits.

Decoding reads a weight once for few rows, so what it takes is what it reads: the numbers are read
as they are and made whole in registers. Importing this module imports Triton. Products are
accumulated in float32.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from lorax_shard.layers.grouped import GroupedNumbers
from lorax_shard.layers.quantisation import GROUP, Int4Numbers
from lorax_shard.layers.routing import TILE_ROWS


@triton.jit
def _int8_kernel(  # type: ignore[no-untyped-def]
    x, numbers, scales, bias, out,
    height, depth, width,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, BIASED: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    places = tl.arange(0, DEPTH)
    has_row, has_column = rows < height, columns < width
    inputs = x + rows[:, None] * depth
    weights = numbers + columns.to(tl.int64)[None, :] * depth
    total = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for start in range(0, depth, DEPTH):
        k = start + places
        inside = k < depth
        a = tl.load(inputs + k[None, :], mask=has_row[:, None] & inside[None, :], other=0.0)
        b = tl.load(weights + k[:, None], mask=inside[:, None] & has_column[None, :], other=0)
        # Exact: 8 bits fit the mantissa of every dtype that a model computes in.
        total += tl.dot(a, b.to(a.dtype), input_precision="ieee")
    total *= tl.load(scales + columns, mask=has_column, other=0.0)[None, :]
    if BIASED:
        total += tl.load(bias + columns, mask=has_column, other=0.0).to(tl.float32)[None, :]
    to = out + rows[:, None] * width + columns[None, :]
    tl.store(to, total.to(out.dtype.element_ty), mask=has_row[:, None] & has_column[None, :])


def multiply_int8(x: Tensor, numbers: Tensor, scales: Tensor, bias: Tensor | None) -> Tensor:
    """X [T, in] times a weight of numbers [out, in] and scales [out] -> [T, out], as x is.

    All contiguous; the sum is scaled in float32, so that one in float16 does not overflow.
    """
    (height, depth), width = x.shape, numbers.shape[0]
    out = torch.empty(height, width, dtype=x.dtype, device=x.device)
    columns, rows = 32, min(64, max(TILE_ROWS, triton.next_power_of_2(height)))
    _int8_kernel[triton.cdiv(width, columns), triton.cdiv(height, rows)](
        x, numbers, scales, scales if bias is None else bias, out, height, depth, width,
        ROWS=rows, COLUMNS=columns, DEPTH=128, BIASED=bias is not None,
    )  # fmt: skip
    return out


@triton.jit
def _packed_kernel(  # type: ignore[no-untyped-def]
    x, numbers, scales, offsets, group_of, bias, out,
    height, depth, width, row_bytes, groups,
    ROWS: tl.constexpr, COLUMNS: tl.constexpr, DEPTH: tl.constexpr, BITS: tl.constexpr,
    GROUP: tl.constexpr, OFFSET: tl.constexpr, BIASED: tl.constexpr,
):  # fmt: skip
    rows = tl.program_id(1) * ROWS + tl.arange(0, ROWS)
    columns = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    places = tl.arange(0, DEPTH)
    has_row, has_column = rows < height, columns < width
    inputs = x + rows[:, None] * depth
    own_numbers = numbers + columns.to(tl.int64)[None, :] * row_bytes
    own_groups = columns.to(tl.int64)[None, :] * groups
    total = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for start in range(0, depth, DEPTH):
        k = start + places
        inside = k < depth
        both = inside[:, None] & has_column[None, :]
        a = tl.load(inputs + k[None, :], mask=has_row[:, None] & inside[None, :], other=0.0)
        if BITS == 4:
            pairs = tl.load(own_numbers + (k // 2)[:, None], mask=both, other=0).to(tl.int32)
            number = (pairs >> ((k % 2) * 4)[:, None]) & 15
        else:
            number = tl.load(own_numbers + k[:, None], mask=both, other=0).to(tl.int32)
        group = k // GROUP if GROUP > 0 else tl.load(group_of + k, mask=inside, other=0)
        place = own_groups + group[:, None]
        scale = tl.load(scales + place, mask=both, other=0.0).to(tl.float32)
        if OFFSET == "level":
            weight = tl.load(offsets + number, mask=both, other=0.0) * scale
        else:
            offset = tl.load(offsets + place, mask=both, other=0).to(tl.float32)
            if OFFSET == "zero":
                weight = (number.to(tl.float32) - offset) * scale
            else:
                weight = number.to(tl.float32) * scale + offset
        # Rounded as the whole weight would be.
        total += tl.dot(a, weight.to(a.dtype), input_precision="ieee")
    if BIASED:
        total += tl.load(bias + columns, mask=has_column, other=0.0).to(tl.float32)[None, :]
    to = out + rows[:, None] * width + columns[None, :]
    tl.store(to, total.to(out.dtype.element_ty), mask=has_row[:, None] & has_column[None, :])


def multiply_int4(x: Tensor, weight: Int4Numbers, bias: Tensor | None) -> Tensor:
    """X [T, in] times a weight [out, in] in groups of GROUP -> [T, out], as x is."""
    return _multiply_packed(
        x, weight.pairs, weight.scales, weight.minimums, None, bias, 4, GROUP, "least"
    )


def multiply_grouped(x: Tensor, weight: GroupedNumbers, bias: Tensor | None) -> Tensor:
    """X [T, in] in the order of the weight, times a weight [out, in] -> [T, out], as x is."""
    if weight.levels is not None:
        offsets, kind = weight.levels, "level"
    else:
        assert weight.zeros is not None
        offsets, kind = weight.zeros, "zero"
    return _multiply_packed(
        x, weight.numbers, weight.scales, offsets, weight.group_of, bias, weight.bits, 0, kind
    )


def _multiply_packed(
    x: Tensor, numbers: Tensor, scales: Tensor, offsets: Tensor, group_of: Tensor | None,
    bias: Tensor | None, bits: int, group: int, offset: str,
) -> Tensor:  # fmt: skip
    """All contiguous."""
    (height, depth), (width, groups) = x.shape, scales.shape
    out = torch.empty(height, width, dtype=x.dtype, device=x.device)
    columns, rows = 32, min(64, max(TILE_ROWS, triton.next_power_of_2(height)))
    _packed_kernel[triton.cdiv(width, columns), triton.cdiv(height, rows)](
        x, numbers, scales, offsets, scales if group_of is None else group_of,
        scales if bias is None else bias, out,
        height, depth, width, numbers.shape[1], groups,
        ROWS=rows, COLUMNS=columns, DEPTH=128, BITS=bits, GROUP=group, OFFSET=offset,
        BIASED=bias is not None,
    )  # fmt: skip
    return out
