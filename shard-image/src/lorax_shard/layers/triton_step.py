"""Triton kernels for CUDA: what a decoder computes between its products.

PyTorch's operators would read and write the activations a dozen times for each of these. Importing
this module imports Triton. Sums and products are float32 inside a kernel; what PyTorch's operators
round on their way is rounded there, too, but for rotations, which are rounded once.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from lorax_shard.layers.native import HeadCounts
from lorax_shard.layers.triton_kernels import attend

_GATED_COLUMNS = 1024


@triton.jit
def _norm_kernel(  # type: ignore[no-untyped-def]
    hidden, added, weight, out, width, epsilon,
    COLUMNS: tl.constexpr, ADDS: tl.constexpr,
):  # fmt: skip
    columns = tl.arange(0, COLUMNS)
    inside = columns < width
    own = tl.program_id(0).to(tl.int64) * width + columns
    x = tl.load(hidden + own, mask=inside, other=0.0)
    if ADDS:
        more = tl.load(added + own, mask=inside, other=0.0)
        x = (x.to(tl.float32) + more.to(tl.float32)).to(x.dtype)
        tl.store(hidden + own, x, mask=inside)
    wide = x.to(tl.float32)
    scaled = wide * tl.rsqrt(tl.sum(wide * wide, 0) / width + epsilon)
    factors = tl.load(weight + columns, mask=inside, other=0.0)
    # A weight that is wide, as that of Gemma is, multiplies before anything is rounded.
    scaled = scaled.to(factors.dtype).to(tl.float32) * factors.to(tl.float32)
    tl.store(out + own, scaled.to(x.dtype), mask=inside)


@triton.jit
def _place_kernel(  # type: ignore[no-untyped-def]
    qkv, cosine, sine, query_norm, key_norm, slots, keys, values, epsilon,
    QUERIES: tl.constexpr, KV: tl.constexpr, DIM: tl.constexpr, HALF: tl.constexpr,
    HALF_PADDED: tl.constexpr, REST: tl.constexpr, REST_PADDED: tl.constexpr, NORMS: tl.constexpr,
):  # fmt: skip
    token = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    own = qkv + (token * (QUERIES + 2 * KV) + head) * DIM
    half, rest = tl.arange(0, HALF_PADDED), tl.arange(0, REST_PADDED)
    in_half, in_rest = half < HALF, rest < REST
    # What is rotated together is loaded and stored by the same thread, so nothing has to wait.
    first = tl.load(own + half, mask=in_half, other=0.0)
    second = tl.load(own + HALF + half, mask=in_half, other=0.0)
    third = tl.load(own + 2 * HALF + rest, mask=in_rest, other=0.0)
    slot = tl.load(slots + token)
    if head < QUERIES + KV:
        if NORMS:
            weight = query_norm if head < QUERIES else key_norm
            a, b, c = first.to(tl.float32), second.to(tl.float32), third.to(tl.float32)
            squares = tl.sum(a * a, 0) + tl.sum(b * b, 0) + tl.sum(c * c, 0)
            scale = tl.rsqrt(squares / DIM + epsilon)
            wa = tl.load(weight + half, mask=in_half, other=0.0)
            wb = tl.load(weight + HALF + half, mask=in_half, other=0.0)
            wc = tl.load(weight + 2 * HALF + rest, mask=in_rest, other=0.0)
            first = ((a * scale).to(wa.dtype).to(tl.float32) * wa.to(tl.float32)).to(first.dtype)
            second = ((b * scale).to(wb.dtype).to(tl.float32) * wb.to(tl.float32)).to(second.dtype)
            third = ((c * scale).to(wc.dtype).to(tl.float32) * wc.to(tl.float32)).to(third.dtype)
        cos = tl.load(cosine + token * HALF + half, mask=in_half, other=0.0).to(tl.float32)
        sin = tl.load(sine + token * HALF + half, mask=in_half, other=0.0).to(tl.float32)
        a, b = first.to(tl.float32), second.to(tl.float32)
        first = (a * cos - b * sin).to(first.dtype)
        second = (b * cos + a * sin).to(second.dtype)
        tl.store(own + half, first, mask=in_half)
        tl.store(own + HALF + half, second, mask=in_half)
        tl.store(own + 2 * HALF + rest, third, mask=in_rest)
    if head >= QUERIES:
        is_key = head < QUERIES + KV
        cache = keys if is_key else values
        kv = head - QUERIES if is_key else head - QUERIES - KV
        to = cache + (slot * KV + kv) * DIM
        tl.store(to + half, first.to(cache.dtype.element_ty), mask=in_half)
        tl.store(to + HALF + half, second.to(cache.dtype.element_ty), mask=in_half)
        tl.store(to + 2 * HALF + rest, third.to(cache.dtype.element_ty), mask=in_rest)


@triton.jit
def _gate_kernel(  # type: ignore[no-untyped-def]
    both, out, width, COLUMNS: tl.constexpr, GELU: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    inside = columns < width
    gate = tl.load(both + row * 2 * width + columns, mask=inside, other=0.0)
    up = tl.load(both + row * 2 * width + width + columns, mask=inside, other=0.0)
    x = gate.to(tl.float32)
    if GELU:
        # tanh(y) = 1 - 2 / (e^2y + 1), of the approximation of the error function.
        y = 0.7978845608028654 * (x + 0.044715 * x * x * x)
        x = 0.5 * x * (2 - 2 / (tl.exp(2 * y) + 1))
    else:
        x = x / (1 + tl.exp(-x))
    gated = x.to(gate.dtype).to(tl.float32) * up.to(tl.float32)
    tl.store(out + row * width + columns, gated.to(gate.dtype), mask=inside)


class TritonKernels:
    """See StepKernels."""

    is_wide = False

    def norm(self, hidden: Tensor, added: Tensor | None, weight: Tensor, epsilon: float) -> Tensor:
        """See StepKernels."""
        rows, width = hidden.shape
        out = torch.empty_like(hidden)
        columns = triton.next_power_of_2(width)
        _norm_kernel[(rows,)](
            hidden, hidden if added is None else added, weight, out, width, epsilon,
            COLUMNS=columns, ADDS=added is not None,
            num_warps=min(16, max(1, columns // 512)),
        )  # fmt: skip
        return out

    def place(
        self, qkv: Tensor, heads: HeadCounts, cosine: Tensor, sine: Tensor,
        norms: tuple[Tensor, Tensor] | None, epsilon: float, slots: Tensor,
        keys: Tensor, values: Tensor,
    ) -> None:  # fmt: skip
        """See StepKernels."""
        half = cosine.shape[-1]
        rest = heads.dim - 2 * half
        query_norm, key_norm = norms or (qkv, qkv)
        _place_kernel[qkv.shape[0], heads.queries + 2 * heads.kv](
            qkv, cosine, sine, query_norm, key_norm, slots, keys, values, epsilon,
            QUERIES=heads.queries, KV=heads.kv, DIM=heads.dim, HALF=half,
            HALF_PADDED=triton.next_power_of_2(half), REST=rest,
            REST_PADDED=triton.next_power_of_2(max(1, rest)), NORMS=norms is not None,
            num_warps=1,
        )  # fmt: skip

    def attend(
        self, qkv: Tensor, heads: HeadCounts, keys: Tensor, values: Tensor, tables: Tensor,
        lengths: Tensor, scale: float, cap: float, window: int,
    ) -> Tensor:  # fmt: skip
        """See StepKernels."""
        queries = qkv.unflatten(1, (-1, heads.dim))[:, : heads.queries]
        return attend(queries, keys, values, tables, lengths, scale, cap, window).flatten(1)

    def gate(self, both: Tensor, gelu: bool) -> Tensor:
        """See StepKernels."""
        rows, width = both.shape[0], both.shape[1] // 2
        out = both.new_empty(rows, width)
        _gate_kernel[rows, triton.cdiv(width, _GATED_COLUMNS)](
            both, out, width, COLUMNS=_GATED_COLUMNS, GELU=gelu
        )
        return out
