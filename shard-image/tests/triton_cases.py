"""The Triton kernels against a short float32 loop, in Triton's interpreter; run by test_triton.py.

The interpreter is chosen when kernels are defined, for the whole process: hence one of its own.
"""

import math
import sys

import pytest
import torch

from lorax_shard.layers import triton_kernels
from lorax_shard.layers.grouped import from_grouped, group_numbers
from lorax_shard.layers.quantisation import from_int4, to_int4
from lorax_shard.layers.routing import tiles_of
from lorax_shard.layers.triton_kernels import add_lora, attend
from lorax_shard.layers.triton_weights import multiply_grouped, multiply_int4, multiply_int8

CPU = torch.device("cpu")
OUTS = (40, 12, 100)
LENGTHS = {
    "identical": [3, 3, 3, 3],
    "distinct": [1, 1, 1, 1, 1, 1, 1],
    "uniform": [1, 2, 3, 4, 5, 6],
    "zipf": [24, 12, 8, 6],
    "skewed": [40, 1, 1, 1],
}


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize(("rank", "room"), [(8, 0), (16, 12), (32, 0)])
def test_lora_equals_a_loop(lengths, rank, room, monkeypatch) -> None:
    # given every second row between the segments without an adapter
    torch.manual_seed(0)
    depth, slots = 100, 8
    down = torch.randn(slots, len(OUTS) * rank, depth)
    up = [torch.randn(slots, rank, out) for out in OUTS]
    runs, row = [], 0
    for number, length in enumerate(LENGTHS[lengths]):
        runs.append((row, row + length, (5 * number) % slots))
        row += length + number % 2
    x, before = torch.randn(row, depth), torch.randn(row, sum(OUTS))

    # when
    if room:
        monkeypatch.setattr(triton_kernels, "_MOST_PROGRAMS", 5)
    behind = torch.full((room, 3), 99, dtype=torch.int32)  # nobody's
    after = before.clone()
    add_lora(after, x, torch.cat([tiles_of(runs, CPU), behind]), down, up)

    # then
    expected = before.clone()
    for start, stop, slot in runs:
        for token in range(start, stop):
            hidden = (down[slot] @ x[token]).split(rank)
            pieces = [part @ up[p][slot] for p, part in enumerate(hidden)]
            expected[token] += torch.cat(pieces)
    torch.testing.assert_close(after, expected, atol=2e-3, rtol=1e-4)


@pytest.mark.parametrize(("heads", "kv", "dim"), [(9, 3, 64), (4, 4, 16), (2, 1, 24)])
@pytest.mark.parametrize(("cap", "window"), [(0.0, 0), (20.0, 0), (0.0, 21)])
def test_attention_equals_a_loop(heads, kv, dim, cap, window) -> None:
    # given scattered blocks, garbage where nobody should look
    torch.manual_seed(0)
    lengths = [1, 16, 17, 50]
    keys, values = torch.randn(2, 30, 16, kv, dim)
    tables = (torch.randperm(29) + 1)[:16].view(4, 4)
    for row, length in enumerate(lengths):
        for cache in (keys, values):
            cache[tables[row, length // 16], length % 16 :] = math.nan
    queries = torch.randn(4, heads + 2 * kv, dim)[:, :heads]

    # when
    found = attend(queries, keys, values, tables, torch.tensor(lengths), 0.3, cap, window)

    # then
    for row, length in enumerate(lengths):
        past = slice(max(0, length - window) if window else 0, length)
        key = keys[tables[row]].flatten(0, 1)[past]
        value = values[tables[row]].flatten(0, 1)[past]
        for head in range(heads):
            own = head // (heads // kv)
            scores = key[:, own] @ queries[row, head] * 0.3
            if cap:
                scores = cap * torch.tanh(scores / cap)
            expected = scores.softmax(0) @ value[:, own]
            torch.testing.assert_close(found[row, head], expected, atol=1e-4, rtol=1e-4)


# The interpreter multiplies the bits of bfloat16 as if they were whole numbers.
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("rows", [1, 16, 17, 64])
@pytest.mark.parametrize("biased", [False, True])
def test_products_with_int8_equal_those_of_torch(rows, dtype, biased) -> None:
    """Also where the sum before it is scaled is more than float16 can hold."""
    torch.manual_seed(0)
    numbers = torch.randint(-127, 128, (70, 300)).to(torch.int8)
    numbers[3] = 127
    scales, bias = torch.rand(70) / 100, torch.randn(70).to(dtype) if biased else None
    x = torch.randn(rows, 300).to(dtype)
    x[0] = 10

    found = multiply_int8(x, numbers, scales, bias)

    expected = x.float() @ (numbers * scales[:, None]).T
    if bias is not None:
        expected += bias.float()
    assert found.dtype is dtype
    torch.testing.assert_close(found.float(), expected, atol=1e-2, rtol=1e-2)


# Wide scales and offsets in the interpreter, which takes bfloat16 for what it is when it is loaded.
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("rows", [1, 17, 64])
@pytest.mark.parametrize("depth", [32, 300])
@pytest.mark.parametrize("biased", [False, True])
def test_products_with_int4_equal_those_of_torch(rows, depth, dtype, biased) -> None:
    torch.manual_seed(0)
    numbers = to_int4(torch.randn(70, depth))
    bias = torch.randn(70).to(dtype) if biased else None
    x = torch.randn(rows, depth).to(dtype)

    found = multiply_int4(x, numbers, bias)

    check_product(found, x, from_int4(numbers, dtype), bias)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("rows", [1, 17])
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("scales", [torch.float16, torch.float32], ids=str)
@pytest.mark.parametrize("kind", ["plain", "shuffled", "levels"])
def test_products_with_groups_equal_those_of_torch(rows, bits, dtype, scales, kind) -> None:
    """Groups of any length, in any order, and of levels."""
    if kind == "levels" and bits == 8:
        return
    torch.manual_seed(0)
    depth = 299
    group_of = torch.arange(depth) // 64
    if kind == "shuffled":
        group_of = group_of[torch.randperm(depth)]
    groups = int(group_of.max()) + 1
    weight = group_numbers(
        torch.randint(0, 1 << bits, (70, depth)).to(torch.uint8),
        (torch.rand(70, groups) / 10).to(scales),
        None if kind == "levels" else torch.randint(0, 1 << bits, (70, groups)).to(torch.uint8),
        group_of,
        bits,
        dtype,
        torch.randn(16) if kind == "levels" else None,
    )
    x, bias = torch.randn(rows, depth).to(dtype), torch.randn(70).to(dtype)

    found = multiply_grouped(x, weight, bias)

    check_product(found, x, from_grouped(weight, dtype), bias)


def check_product(found, x, weight, bias) -> None:
    expected = x.float() @ weight.float().T
    if bias is not None:
        expected += bias.float()
    assert found.dtype is x.dtype
    wide = x.dtype is torch.float32
    close = {"atol": 1e-3, "rtol": 1e-4} if wide else {"atol": 0.02, "rtol": 0.005}
    torch.testing.assert_close(found.float(), expected, **close)


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-p", "no:cacheprovider"]))
