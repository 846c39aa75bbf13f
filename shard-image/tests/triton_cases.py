"""The Triton kernels against PyTorch, and short loops: on a GPU, or in Triton's interpreter.

The interpreter is chosen when kernels are defined, for the whole process: hence one of its own,
which test_triton.py runs.
"""

import math
import sys
from collections.abc import Iterator

import pytest
import torch
from torch.nn import functional

from lorax_shard.layers import triton_kernels
from lorax_shard.layers.attention import HeadAttention, LayerCache
from lorax_shard.layers.grouped import from_grouped, group_numbers
from lorax_shard.layers.native import HeadCounts
from lorax_shard.layers.norm import RmsNorm
from lorax_shard.layers.quantisation import from_int4, to_int4
from lorax_shard.layers.rotary import Rotation
from lorax_shard.layers.routing import tiles_of
from lorax_shard.layers.triton_kernels import add_lora, attend
from lorax_shard.layers.triton_step import TritonKernels
from lorax_shard.layers.triton_weights import multiply_grouped, multiply_int4, multiply_int8

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
KERNELS = TritonKernels()
OUTS = (40, 12, 100)
LENGTHS = {
    "identical": [3, 3, 3, 3],
    "distinct": [1, 1, 1, 1, 1, 1, 1],
    "uniform": [1, 2, 3, 4, 5, 6],
    "zipf": [24, 12, 8, 6],
    "skewed": [40, 1, 1, 1],
}


@pytest.fixture(autouse=True)
def on_device() -> Iterator[None]:
    with DEVICE:
        yield


@pytest.mark.parametrize("outs", [OUTS, OUTS[:2], OUTS[2:]])
@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize(("rank", "room"), [(8, 0), (16, 12), (32, 0)])
def test_lora_equals_a_loop(lengths, outs, rank, room, monkeypatch) -> None:
    # given every second row between the segments without an adapter
    torch.manual_seed(0)
    depth, slots = 100, 8
    down = torch.randn(slots, len(outs) * rank, depth)
    up = [torch.randn(slots, rank, out) for out in outs]
    runs, row = [], 0
    for number, length in enumerate(LENGTHS[lengths]):
        runs.append((row, row + length, (5 * number) % slots))
        row += length + number % 2
    x, before = torch.randn(row, depth), torch.randn(row, sum(outs))

    # when
    if room:
        monkeypatch.setattr(triton_kernels, "_MOST_PROGRAMS", 5)
    behind = torch.full((room, 3), 99, dtype=torch.int32)  # nobody's
    after = before.clone()
    add_lora(after, x, torch.cat([tiles_of(runs, DEVICE), behind]), down, up)

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
@pytest.mark.parametrize("programs", [1, 80])
def test_attention_equals_a_loop(heads, kv, dim, cap, window, programs, monkeypatch) -> None:
    # given scattered blocks, garbage where nobody should look
    torch.manual_seed(0)
    monkeypatch.setattr(triton_kernels, "_ATTENDING_PROGRAMS", programs)
    lengths = [1, 16, 65, 150]
    keys, values = torch.randn(2, 50, 16, kv, dim)
    tables = (torch.randperm(49) + 1)[:40].view(4, 10)
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


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("wide_weight", [False, True])
@pytest.mark.parametrize("width", [64, 300])
def test_norms_equal_those_of_torch(width, wide_weight, dtype) -> None:
    torch.manual_seed(0)
    norm = RmsNorm("norm", width, 1e-5)
    norm.weight = torch.randn(width).to(torch.float32 if wide_weight else dtype)
    norm._offset = wide_weight
    hidden, added = torch.randn(2, 5, width).to(dtype)
    expected = norm.add(hidden, added)
    kept = hidden.clone()

    alone = KERNELS.norm(hidden, None, norm.weight, 1e-5)
    assert torch.equal(hidden, kept)
    both = KERNELS.norm(hidden, added, norm.weight, 1e-5)

    close = {"atol": 1e-5 if dtype is torch.float32 else 2e-3, "rtol": 1e-3}
    torch.testing.assert_close(alone, norm(kept), **close)
    torch.testing.assert_close(hidden, expected[0])
    torch.testing.assert_close(both, expected[1], **close)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize(("dim", "half"), [(64, 32), (24, 12), (20, 6)])
@pytest.mark.parametrize("normed", [False, True])
def test_heads_are_placed_as_by_torch(dim, half, normed, dtype) -> None:
    """Rotated, in part where the angles are fewer, normalised where the model does, and cached."""
    torch.manual_seed(0)
    heads = HeadCounts(6, 2, dim)
    qkv = torch.randn(5, 10 * dim).to(dtype)
    angles = torch.randn(5, 1, half)
    rotation = Rotation(angles.cos().to(dtype), angles.sin().to(dtype))
    weights = (torch.randn(dim).to(dtype), torch.randn(dim).to(dtype)) if normed else None
    slots = torch.tensor([40, 3, 17, 18, 0])
    cache = LayerCache(*torch.zeros(2, 4, 16, 2, dim, dtype=dtype).unbind(0))
    expected = LayerCache(cache.keys.clone(), cache.values.clone())
    queries, keys, values = HeadAttention(heads, 1.0).split(qkv)
    if weights:
        queries, keys = (
            weight * functional.rms_norm(part.float(), (dim,), eps=1e-6).to(dtype)
            for weight, part in zip(weights, (queries, keys), strict=True)
        )
    queries, keys = rotation.rotate(queries), rotation.rotate(keys)
    expected.write(slots, keys, values)
    whole = torch.cat((queries, keys, values), 1).flatten(1)

    KERNELS.place(
        qkv, heads, rotation.cosine, rotation.sine, weights, 1e-6, slots, cache.keys, cache.values
    )

    close = {"atol": 1e-5 if dtype is torch.float32 else 1e-2, "rtol": 2e-3}
    torch.testing.assert_close(qkv, whole, **close)
    torch.testing.assert_close(cache.keys, expected.keys, **close)
    assert torch.equal(cache.values, expected.values)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize("gelu", [False, True])
@pytest.mark.parametrize("width", [30, 1500])
def test_gates_equal_those_of_torch(width, gelu, dtype) -> None:
    torch.manual_seed(0)
    both = (3 * torch.randn(4, 2 * width)).to(dtype)
    both[0, :4] = torch.tensor([-80.0, 80.0, 0.0, -20.0])
    gate, up = both.chunk(2, 1)
    activated = functional.gelu(gate, approximate="tanh") if gelu else functional.silu(gate)

    found = KERNELS.gate(both, gelu)

    torch.testing.assert_close(found, activated * up, atol=1e-4, rtol=2e-3)


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
    sys.exit(pytest.main([__file__, "-q", "-p", "no:cacheprovider", *sys.argv[1:]]))
