"""Triton kernels for CUDA: LoRA of mixed batches, and paged decode attention.

Importing this module imports Triton. Rows of a step are ordered by adapter and cut into tiles: a
tile is up to TILE_ROWS neighbouring rows of one adapter. How many tiles there are is read on the
device, and programs take them in turn, so that a captured graph, whose grid is fixed, serves any
number of segments. Products are accumulated in float32.
"""

from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from lorax_shard.layers.routing import TILE_ROWS

_BLOCK_DEPTH = 64
_BLOCK_COLUMNS = 64
# Of LoRA, which take tiles in turn: what the largest GPUs run at once.
_MOST_PROGRAMS = 1056
_MOST_PARTS = 3  # projections of one input: queries, keys and values
_ATTENDED_TOKENS = 64  # that a program looks at together
_ATTENDING_PROGRAMS = 264  # two for each part of a large GPU
_MOST_SPLITS = 16


@triton.jit
def _shrink_kernel(  # type: ignore[no-untyped-def]
    x, down, hidden, tiles,
    depth, ranks,
    ROWS: tl.constexpr, RANKS: tl.constexpr, DEPTH: tl.constexpr,
):  # fmt: skip
    across = tl.cdiv(ranks, RANKS)
    rows, places = tl.arange(0, ROWS), tl.arange(0, DEPTH)
    for number in range(tl.program_id(0), tl.load(tiles) * across, tl.num_programs(0)):
        tile = tiles + 3 + number // across * 3
        first, height = tl.load(tile), tl.load(tile + 1)
        slot = tl.load(tile + 2).to(tl.int64)
        columns = number % across * RANKS + tl.arange(0, RANKS)
        inputs = x + (first + rows)[:, None] * depth
        weights = down + (slot * ranks + columns)[None, :] * depth
        has_row, has_rank = rows < height, columns < ranks
        total = tl.zeros((ROWS, RANKS), dtype=tl.float32)
        for start in range(0, depth, DEPTH):
            k = start + places
            inside = k < depth
            a = tl.load(inputs + k[None, :], mask=has_row[:, None] & inside[None, :], other=0.0)
            b = tl.load(weights + k[:, None], mask=inside[:, None] & has_rank[None, :], other=0.0)
            total += tl.dot(a, b, input_precision="ieee")
        to = hidden + (first + rows)[:, None] * ranks + columns[None, :]
        tl.store(to, total, mask=has_row[:, None] & has_rank[None, :])


@triton.jit
def _expand_kernel(  # type: ignore[no-untyped-def]
    hidden, up_0, up_1, up_2, out, tiles,
    width_0, width_1, width_2, out_stride,
    ROWS: tl.constexpr, RANK: tl.constexpr, PADDED: tl.constexpr, COLUMNS: tl.constexpr,
    PARTS: tl.constexpr,
):  # fmt: skip
    across_0 = tl.cdiv(width_0, COLUMNS)
    across_1 = tl.cdiv(width_1, COLUMNS)
    across = across_0 + across_1 + tl.cdiv(width_2, COLUMNS)
    ranks = PARTS * RANK
    rows, rank = tl.arange(0, ROWS), tl.arange(0, PADDED)
    for number in range(tl.program_id(0), tl.load(tiles) * across, tl.num_programs(0)):
        tile = tiles + 3 + number // across * 3
        first, height = tl.load(tile), tl.load(tile + 1)
        slot = tl.load(tile + 2).to(tl.int64)
        block = number % across
        up, width, first_rank, first_column = up_0, width_0, 0, 0
        if block >= across_0:
            block -= across_0
            up, width, first_rank, first_column = up_1, width_1, RANK, width_0
            if block >= across_1:
                block -= across_1
                up, width, first_rank = up_2, width_2, 2 * RANK
                first_column = width_0 + width_1
        columns = block * COLUMNS + tl.arange(0, COLUMNS)
        has_row, has_column, has_rank = rows < height, columns < width, rank < RANK
        a = tl.load(
            hidden + (first + rows)[:, None] * ranks + first_rank + rank[None, :],
            mask=has_row[:, None] & has_rank[None, :],
            other=0.0,
        )
        b = tl.load(
            up + (slot * RANK + rank)[:, None] * width + columns[None, :],
            mask=has_rank[:, None] & has_column[None, :],
            other=0.0,
        )
        delta = tl.dot(a.to(b.dtype), b, input_precision="ieee")
        to = out + (first + rows)[:, None] * out_stride + first_column + columns[None, :]
        inside = has_row[:, None] & has_column[None, :]
        before = tl.load(to, mask=inside, other=0.0)
        tl.store(to, (before.to(tl.float32) + delta).to(before.dtype), mask=inside)


def add_lora(output: Tensor, x: Tensor, tiles: Tensor, down: Tensor, up: Sequence[Tensor]) -> None:
    """Adds adapters to output [T, sum(out_p)], in place.

    x: [T, in]; tiles: see tiles_of; down: [S, P*R, in]; up[p]: [S, R, out_p]; all contiguous.
    """
    most, ranks, depth = tiles.shape[0] - 1, down.shape[1], down.shape[2]
    hidden = torch.empty(x.shape[0], ranks, dtype=torch.float32, device=x.device)
    block = max(16, min(64, triton.next_power_of_2(ranks)))
    _shrink_kernel[(min(_MOST_PROGRAMS, most * triton.cdiv(ranks, block)),)](
        x, down, hidden, tiles, depth, ranks, ROWS=TILE_ROWS, RANKS=block, DEPTH=_BLOCK_DEPTH
    )
    rank = up[0].shape[1]
    widths = [matrix.shape[2] for matrix in up] + [0] * (_MOST_PARTS - len(up))
    blocks = sum(triton.cdiv(width, _BLOCK_COLUMNS) for width in widths)
    _expand_kernel[(min(_MOST_PROGRAMS, most * blocks),)](
        hidden, up[0], up[min(1, len(up) - 1)], up[-1], output, tiles, *widths, output.shape[1],
        ROWS=TILE_ROWS, RANK=rank, PADDED=max(16, rank), COLUMNS=_BLOCK_COLUMNS, PARTS=len(up),
    )  # fmt: skip


@triton.jit
def _attend_kernel(  # type: ignore[no-untyped-def]
    queries, keys, values, tables, lengths, out, highest_of, total_of,
    query_stride, table_width, kv_heads, scale, cap, window,
    GROUP: tl.constexpr, ROWS: tl.constexpr, DIM: tl.constexpr, PADDED: tl.constexpr,
    BLOCK: tl.constexpr, TOKENS: tl.constexpr, SPLITS: tl.constexpr, CAPPED: tl.constexpr,
):  # fmt: skip
    sequence, head, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(lengths + sequence)
    begin = tl.where(window > 0, tl.maximum(length - window, 0), 0)
    rows, dims, places = tl.arange(0, ROWS), tl.arange(0, PADDED), tl.arange(0, TOKENS)
    has_row, has_dim = rows < GROUP, dims < DIM
    own = (head * GROUP + rows)[:, None] * DIM + dims[None, :]
    both = has_row[:, None] & has_dim[None, :]
    query = tl.load(queries + sequence * query_stride + own, mask=both, other=0.0)
    highest = tl.full((ROWS,), float("-inf"), dtype=tl.float32)
    total = tl.zeros((ROWS,), dtype=tl.float32)
    result = tl.zeros((ROWS, PADDED), dtype=tl.float32)
    first = begin // TOKENS
    share = tl.cdiv(tl.cdiv(length, TOKENS) - first, SPLITS)
    start = first + split * share
    for part in range(start, tl.minimum(start + share, tl.cdiv(length, TOKENS))):
        tokens = part * TOKENS + places
        seen = (tokens < length) & (tokens >= begin)
        number = tl.load(tables + sequence * table_width + tokens // BLOCK, mask=seen, other=0)
        at = (number * BLOCK + tokens % BLOCK) * kv_heads + head
        inside = seen[:, None] & has_dim[None, :]
        key = tl.load(keys + at[:, None] * DIM + dims[None, :], mask=inside, other=0.0)
        scores = tl.dot(query, tl.trans(key), input_precision="ieee") * scale
        if CAPPED:
            # tanh(y) = 1 - 2 / (e^2y + 1)
            scores = cap * (1 - 2 / (tl.exp(2 * scores / cap) + 1))
        scores = tl.where(seen[None, :], scores, float("-inf"))
        top = tl.maximum(highest, tl.max(scores, 1))
        weights = tl.exp2((scores - top[:, None]) * 1.4426950408889634)
        faded = tl.exp2((highest - top) * 1.4426950408889634)
        value = tl.load(values + at[:, None] * DIM + dims[None, :], mask=inside, other=0.0)
        result = result * faded[:, None] + tl.dot(
            weights.to(value.dtype), value, input_precision="ieee"
        )
        total = total * faded + tl.sum(weights, 1)
        highest = top
    heads = kv_heads * GROUP
    if SPLITS == 1:
        result = result / total[:, None]
        tl.store(out + sequence * heads * DIM + own, result.to(query.dtype), mask=both)
    else:
        # [B, H, SPLITS] and [B, H, SPLITS, D]
        place = (sequence * heads + head * GROUP + rows) * SPLITS + split
        tl.store(highest_of + place, highest, mask=has_row)
        tl.store(total_of + place, total, mask=has_row)
        tl.store(out + place[:, None] * DIM + dims[None, :], result, mask=both)


@triton.jit
def _join_kernel(  # type: ignore[no-untyped-def]
    results, highest_of, total_of, out,
    DIM: tl.constexpr, PADDED: tl.constexpr, SPLITS: tl.constexpr,
):  # fmt: skip
    head = tl.program_id(0)
    splits, dims = tl.arange(0, SPLITS), tl.arange(0, PADDED)
    has_dim = dims < DIM
    place = head * SPLITS + splits
    highest = tl.load(highest_of + place)
    # Those that found nothing to look at have a highest score of -inf, and weigh nothing.
    weights = tl.exp2((highest - tl.max(highest, 0)) * 1.4426950408889634)
    total = tl.sum(weights * tl.load(total_of + place), 0)
    parts = tl.load(
        results + place[:, None] * DIM + dims[None, :], mask=has_dim[None, :], other=0.0
    )
    result = tl.sum(parts * weights[:, None], 0) / total
    tl.store(out + head * DIM + dims, result.to(out.dtype.element_ty), mask=has_dim)


def attend(
    queries: Tensor, keys: Tensor, values: Tensor, tables: Tensor, lengths: Tensor,
    scale: float, cap: float = 0.0, window: int = 0,
) -> Tensor:  # fmt: skip
    """One token of each sequence over its blocks: [B, H, D] -> [B, H, D].

    The heads of a row of queries are contiguous. keys, values: [blocks, block size, K, D]; tables:
    [B, N]; lengths: [B], the new token included, at least 1; cap and window may be 0.

    Where sequences and heads are too few to occupy a GPU, several programs share the tokens of
    each; how many does not depend on lengths, which a graph must not.
    """
    batch, heads, dim = queries.shape
    block, kv_heads = keys.shape[1], keys.shape[2]
    out = torch.empty(batch, heads, dim, dtype=queries.dtype, device=queries.device)
    group, padded = heads // kv_heads, max(16, triton.next_power_of_2(dim))
    splits = max(1, min(_MOST_SPLITS, _ATTENDING_PROGRAMS // (batch * kv_heads)))
    splits = 1 << (splits.bit_length() - 1)
    results, highest, total = out, out, out
    if splits > 1:
        highest, total = torch.empty(
            2, batch, heads, splits, dtype=torch.float32, device=queries.device
        ).unbind(0)
        results = torch.empty(batch, heads, splits, dim, dtype=torch.float32, device=queries.device)
    _attend_kernel[batch, kv_heads, splits](
        queries, keys, values, tables, lengths, results, highest, total,
        queries.stride(0), tables.shape[1], kv_heads, scale, cap, window,
        GROUP=group, ROWS=max(16, triton.next_power_of_2(group)), DIM=dim, PADDED=padded,
        BLOCK=block, TOKENS=_ATTENDED_TOKENS, SPLITS=splits, CAPPED=cap > 0,
    )  # fmt: skip
    if splits > 1:
        _join_kernel[(batch * heads,)](
            results, highest, total, out, DIM=dim, PADDED=padded, SPLITS=splits
        )
    return out
