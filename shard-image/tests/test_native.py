"""The CPU kernels against PyTorch in float32, on every instruction set that this machine has."""

import math

import pytest
import torch
from kernel_numbers import rounds, taken

from lorax_shard.layers.lora import NativeLoraStack
from lorax_shard.layers.native import HeadCounts, NativeKernels
from lorax_shard.layers.routing import LoraSlot, route_segments

DTYPES = [torch.float32, torch.bfloat16]


pytestmark = pytest.mark.usefixtures("seeded")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (33, 64), (96, 513)])
def test_a_product_equals_that_of_torch(kernels, level, shape, dtype) -> None:
    out, depth = shape
    weight, bias = torch.randn(out, depth).to(dtype), torch.randn(out)
    packed = kernels.pack(weight)
    assert torch.equal(kernels.unpack(packed), weight)
    for rows in (1, 2, 13, 14, 15, 31, 200):
        x = torch.randn(rows, depth)

        plain, biased = kernels.linear(x, packed, None), kernels.linear(x, packed, bias)

        expected = (taken(x, dtype, level) @ weight.double().T).float()
        torch.testing.assert_close(plain, expected, atol=1e-4, rtol=1e-5)
        torch.testing.assert_close(biased, expected + bias, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("widths", [(64, 32, 32), (5, 1, 40, 3), (31, 33)])
def test_parts_are_packed_as_one(kernels, widths, dtype) -> None:
    """Also where one ends inside a panel."""
    parts = [torch.randn(width, 50).to(dtype) for width in widths]

    packed = kernels.pack(*parts)

    assert torch.equal(kernels.unpack(packed), torch.cat(parts))
    assert torch.equal(packed.rows.data, kernels.pack(torch.cat(parts)).rows.data)


@pytest.mark.parametrize("rank", [1, 12, 16])
@pytest.mark.parametrize("source", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_an_adapter_is_put_in_its_place(kernels, dtype, source, rank) -> None:
    """Of whatever numbers a file has; what lies beside it stays."""
    bucket, width, depth, scale = 16, 70, 45, 1.7
    down, up = torch.randn(depth, rank).to(source).T, torch.randn(width, rank).to(source)
    own_down = torch.full((bucket, depth), 3.0, dtype=dtype)
    own_up = _panels(kernels, torch.full((width, bucket), 3.0, dtype=dtype))

    kernels.put_lora(own_down, own_up, down, up, scale)

    whole_down, whole_up = torch.full((bucket, depth), 3.0), torch.full((width, bucket), 3.0)
    whole_down[:rank], whole_up[:, :rank] = down.float(), up.float() * scale
    assert torch.equal(own_down, whole_down.to(dtype))
    assert torch.equal(own_up, _panels(kernels, whole_up.to(dtype)))


def _panels(kernels: NativeKernels, up: torch.Tensor) -> torch.Tensor:
    """[out, R] -> [panels, R, panel], as a stack has them."""
    packed = kernels.pack(up).rows.data
    return packed.view(up.dtype).view(len(packed), up.shape[1], kernels.panel)


@pytest.mark.parametrize("dtype", [*DTYPES, torch.float16, torch.float64], ids=str)
def test_numbers_that_are_not_finite_are_found(kernels, dtype) -> None:
    """Wherever they are; the largest and the least numbers are none."""
    bounds = torch.finfo(dtype)
    for count in (0, 1, 31, 32, 100):
        numbers = torch.randn(count).to(dtype)
        assert kernels.are_finite(numbers)
        for place in range(count):
            for value in (float("inf"), float("-inf"), float("nan")):
                spoilt = numbers.clone()
                spoilt[place] = value
                assert not kernels.are_finite(spoilt)
            if dtype is not torch.float64:
                numbers[place] = bounds.max if place % 2 else bounds.smallest_normal
                assert kernels.are_finite(numbers)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_row_does_not_depend_on_its_batch(kernels, dtype) -> None:
    """Bit for bit: the same request gives the same text whoever is served beside it."""
    packed = kernels.pack(torch.randn(70, 600).to(dtype))
    x = torch.randn(61, 600)

    together = kernels.linear(x, packed, None)

    for rows in ([0], [60], list(range(7, 40))):
        assert torch.equal(kernels.linear(x[rows], packed, None), together[rows])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_an_adapter_adds_to_a_row_does_not_depend_on_its_batch(kernels, dtype) -> None:
    # given one adapter of rank 8
    stack = NativeLoraStack(8, 100, [70], torch.empty(0, dtype=dtype), kernels)
    stack.grow(1)
    stack.put(0, 0, torch.randn(8, 100), torch.randn(70, 8), scale=1.0)
    x = torch.randn(19, 100)

    def added(rows: torch.Tensor) -> torch.Tensor:
        output = torch.zeros(len(rows), 70)
        segments = route_segments([LoraSlot(8, 0)], [len(rows)], torch.device("cpu"))
        stack.add(output, rows, segments.buckets[0])
        return output

    # when
    together = added(x)

    # then
    for row in range(19):
        assert torch.equal(added(x[row : row + 1])[0], together[row])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_long_prompt_is_computed_like_its_parts(kernels, dtype) -> None:
    """Of more rows than the kernels take at once, and adapters that begin and end anywhere."""
    packed = kernels.pack(torch.randn(40, 4000).to(dtype))
    stack = NativeLoraStack(8, 4000, [40], torch.empty(0, dtype=dtype), kernels)
    stack.grow(2)
    for slot in range(2):
        stack.put(slot, 0, torch.randn(8, 4000), torch.randn(40, 8), scale=1.0)
    x, counts = torch.randn(500, 4000), [3, 90, 307, 100]
    slots = [None, LoraSlot(8, 1), None, LoraSlot(8, 0)]

    def compute(parts: range) -> torch.Tensor:
        rows = x.split(counts)[parts.start : parts.stop]
        output = kernels.linear(torch.cat(rows), packed, None)
        each = (slots[parts.start : parts.stop], counts[parts.start : parts.stop])
        for segments in route_segments(*each, torch.device("cpu")).buckets:
            stack.add(output, torch.cat(rows), segments)
        return output

    parts = [compute(range(part, part + 1)) for part in range(4)]
    assert torch.equal(compute(range(4)), torch.cat(parts))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("depth", [1, 24, 45, 100])
def test_infinite_numbers_do_not_reach_what_is_computed_next(kernels, dtype, depth) -> None:
    # given
    packed = kernels.pack(torch.randn(70, depth).to(dtype))
    stack = NativeLoraStack(8, depth, [70], torch.empty(0, dtype=dtype), kernels)
    stack.grow(1)
    stack.put(0, 0, torch.randn(8, depth), torch.randn(70, 8), scale=1.0)
    (segments,) = route_segments([LoraSlot(8, 0)], [3], torch.device("cpu")).buckets
    x = torch.randn(3, depth)

    def compute(rows: torch.Tensor) -> torch.Tensor:
        output = kernels.linear(rows, packed, None)
        stack.add(output, rows, segments)
        return output

    before = compute(x)

    # when
    infinite = compute(torch.full((3, depth), math.inf))
    wide = kernels.pack(torch.randn(70, 600).to(dtype))
    kernels.linear(torch.full((20, 600), math.inf), wide, None)

    # then
    assert not infinite.isfinite().any()
    assert torch.equal(compute(x), before)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("window", [0, 21])
def test_attention_of_a_row_does_not_depend_on_its_batch(kernels, dtype, window) -> None:
    """However many heads, sequences and tokens the threads divide between them."""
    heads = HeadCounts(6, 3, 64)
    lengths = torch.tensor([1, 90, 17, 300, 2, 2, 64, 33, 8])
    keys, values = torch.randn(2, 180, 16, heads.kv, heads.dim).to(dtype)
    tables = torch.randperm(180)[: 9 * 19].view(9, 19)
    qkv = torch.randn(9, (heads.queries + 2 * heads.kv) * heads.dim)

    def attend(rows: list[int]) -> torch.Tensor:
        return kernels.attend(
            qkv[rows], heads, keys, values, tables[rows], lengths[rows], 0.3, 0.0, window
        )

    together = attend(list(range(9)))
    for rows in ([0], [3], [8], [4, 1], [2, 3, 5, 7]):
        assert torch.equal(attend(rows), together[rows])


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(
    "heads", [HeadCounts(9, 3, 64), HeadCounts(4, 4, 8), HeadCounts(8, 1, 80)], ids=str
)
@pytest.mark.parametrize(("cap", "window"), [(0.0, 0), (20.0, 0), (0.0, 21)])
def test_paged_attention_equals_a_loop(kernels, level, heads, dtype, cap, window) -> None:
    # given scattered blocks, garbage where nobody should look
    lengths = [1, 15, 16, 17, 50]
    keys = torch.randn(30, 16, heads.kv, heads.dim).to(dtype)
    values = torch.randn(30, 16, heads.kv, heads.dim).to(dtype)
    order = torch.randperm(29) + 1
    tables = order[:20].view(5, 4)
    keys[0] = values[0] = math.nan
    for row, length in enumerate(lengths):
        keys[tables[row, length // 16], length % 16 :] = math.nan
        values[tables[row, length // 16], length % 16 :] = math.nan
    qkv = torch.randn(5, (heads.queries + 2 * heads.kv) * heads.dim)

    # when
    found = kernels.attend(
        qkv, heads, keys, values, tables, torch.tensor(lengths), 0.3, cap, window
    )

    # then
    for row, length in enumerate(lengths):
        past = slice(max(0, length - window) if window else 0, length)
        key = keys[tables[row]].flatten(0, 1)[past].float()
        value = values[tables[row]].flatten(0, 1)[past].float()
        for head in range(heads.queries):
            query = taken(qkv[row, head * heads.dim : (head + 1) * heads.dim], dtype, level).float()
            kv = head // (heads.queries // heads.kv)
            scores = key[:, kv] @ query * 0.3
            if cap:
                scores = cap * torch.tanh(scores / cap)
            weights = (scores - scores.max()).exp()
            expected = taken(weights, dtype, level).float() @ value[:, kv] / weights.sum()
            place = slice(head * heads.dim, (head + 1) * heads.dim)
            # A weight that lies between two of bfloat16 may be rounded to either.
            slack = 2e-3 if rounds(dtype, level) else 1e-5
            torch.testing.assert_close(found[row, place], expected, atol=slack, rtol=1e-4)


def test_a_broken_sequence_does_not_reach_its_neighbours(kernels) -> None:
    heads = HeadCounts(2, 1, 16)
    keys, values = torch.randn(3, 16, 1, 16), torch.randn(3, 16, 1, 16)
    keys[1, 3] = math.nan
    tables, lengths = torch.tensor([[1], [2]]), torch.tensor([9, 9])
    qkv = torch.randn(2, 4 * 16)

    found = kernels.attend(qkv, heads, keys, values, tables, lengths, 1.0, 0.0, 0)

    assert found[0].isnan().all()
    assert found[1].isfinite().all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("normed", [True, False])
def test_heads_are_normalised_rotated_and_stored(kernels, dtype, normed) -> None:
    # given
    heads, tokens, half = HeadCounts(4, 2, 24), 11, 8  # only 16 of 24 are rotated
    qkv = torch.randn(tokens, 8 * 24)
    angles = torch.randn(tokens, 1, half)
    norms = (torch.randn(24), torch.randn(24)) if normed else None
    slots = torch.randperm(32)[:tokens]
    keys, values = torch.zeros(2, 2, 16, 2, 24).to(dtype)

    # when
    found = qkv.clone()
    kernels.place(found, heads, angles.cos(), angles.sin(), norms, 1e-5, slots, keys, values)

    # then
    expected = qkv.view(tokens, 8, 24).clone()
    if norms is not None:
        scale = (expected[:, :6].pow(2).mean(-1, keepdim=True) + 1e-5).rsqrt()
        weights = torch.cat([norms[0].expand(4, 24), norms[1].expand(2, 24)])
        expected[:, :6] = expected[:, :6] * scale * weights
    first, second = expected[:, :6, :half].clone(), expected[:, :6, half : 2 * half].clone()
    expected[:, :6, :half] = first * angles.cos() - second * angles.sin()
    expected[:, :6, half : 2 * half] = second * angles.cos() + first * angles.sin()
    torch.testing.assert_close(found.view(tokens, 8, 24), expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(keys.flatten(0, 1)[slots], found.view(tokens, 8, 24)[:, 4:6].to(dtype))
    assert torch.equal(values.flatten(0, 1)[slots], found.view(tokens, 8, 24)[:, 6:].to(dtype))


@pytest.mark.parametrize("width", [7, 64, 72])
def test_norms_and_gates_equal_those_of_torch(kernels, width) -> None:
    hidden, added, weight = torch.randn(9, width), torch.randn(9, width), torch.randn(width)
    summed = hidden + added
    expected = torch.nn.functional.rms_norm(summed, (width,), weight, 1e-5)

    found = kernels.norm(hidden, added, weight, 1e-5)

    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(hidden, summed)
    both = torch.cat([torch.randn(9, width) * 8, torch.randn(9, width)], 1)
    gate, up = both.chunk(2, 1)
    silu, gelu = kernels.gate(both, gelu=False), kernels.gate(both, gelu=True)
    torch.testing.assert_close(silu, torch.nn.functional.silu(gate) * up, atol=1e-5, rtol=1e-5)
    expected = torch.nn.functional.gelu(gate, approximate="tanh") * up
    torch.testing.assert_close(gelu, expected, atol=1e-5, rtol=1e-5)


def test_the_largest_logit_is_found_with_its_logprob(kernels) -> None:
    logits = torch.randn(4, 1003) * 10
    logits[1, 500] = logits[1, 900] = 60.0  # the first of equals, as argmax
    logits[2, 1001] = math.nan
    logits[3, 5] = math.inf

    best, logprobs = kernels.greedy(logits)

    assert best[:2].tolist() == logits[:2].argmax(-1).tolist()
    expected = logits.log_softmax(-1).max(-1).values
    torch.testing.assert_close(logprobs[:2], expected[:2], atol=1e-5, rtol=1e-5)
    assert not logprobs[2:].isfinite().any()


def test_the_first_of_equal_logits_is_found_wherever_they_lie(kernels) -> None:
    for width in (1, 7, 63, 1024, 1025, 5000):
        for first in {0, width // 3, width - 1}:
            logits = torch.rand(1, width)
            logits[0, first :: max(1, width // 2)] = 2.0

            best, logprobs = kernels.greedy(logits)

            assert best.tolist() == [first]
            expected = logits.log_softmax(-1)[:, first]
            torch.testing.assert_close(logprobs, expected, atol=1e-5, rtol=1e-5)
