"""Products with weights in groups of few bits, as layers keep them."""

import pytest
import torch
from kernel_numbers import rounds, taken, taken_by_integers
from packed_model import Recipe, quantise
from test_packed import RECIPES

from lorax_shard.layers.grouped import from_grouped, group_numbers, restore_order
from lorax_shard.layers.grouped_weight import GroupedWeight, NativeGroupedWeight
from lorax_shard.layers.kept_weight import SeparateWeights, keep_weight
from lorax_shard.layers.native_weights import PackedInt4
from lorax_shard.layers.quantisation import Quantisation


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("scales", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("ordered", [False, True])
def test_products_equal_those_of_the_whole_weight(
    dtype: torch.dtype, scales: torch.dtype, bits: int, ordered: bool
) -> None:
    """By the kernels where there are some; groups of any length, and no whole panel."""
    # given groups of 1, 2, 3 ... inputs, more than a block of the kernels in all
    torch.manual_seed(0)
    out, depth = 205, 619
    group_of = torch.arange(40).repeat_interleave(torch.arange(40) + 1)[:depth].int()
    if ordered:
        group_of = group_of[torch.randperm(depth)]
    numbers = torch.randint(0, 2**bits, (out, depth), dtype=torch.uint8)
    zeros = torch.randint(0, 2**bits, (out, 40), dtype=torch.uint8)
    scale = (torch.rand(out, 40) / 2**bits).to(scales)
    expected = (numbers.float() - zeros[:, group_of].float()) * scale[:, group_of].float()
    x, bias = torch.randn(90, depth), torch.randn(out)

    # when
    kept = keep_weight([group_numbers(numbers, scale, zeros, group_of, bits, dtype)], None)

    # then
    is_native = dtype is not torch.float16
    assert isinstance(kept, NativeGroupedWeight if is_native else GroupedWeight)
    assert kept.in_features == depth
    assert torch.equal(kept.whole(), expected.to(dtype))
    inputs, bias = (x, bias) if is_native else (x.half(), bias.half())
    found = kept.multiply(inputs, bias)
    # A weight that lies between two of bfloat16 may be rounded to either.
    slack = (1e-3 if rounds(dtype) else 1e-4) if is_native else 0.1
    wanted = taken(x, dtype) @ taken(expected, dtype).T + bias
    torch.testing.assert_close(found.float(), wanted.float(), atol=slack, rtol=slack / 5)
    if is_native:
        for row in (0, 8, 89):
            assert torch.equal(kept.multiply(x[row : row + 1], bias)[0], found[row])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("scales", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("group", [32, 96, 128, 512])
@pytest.mark.parametrize("ordered", [False, True])
def test_equal_groups_of_4_bits_are_multiplied_as_integers(
    dtype: torch.dtype, scales: torch.dtype, group: int, ordered: bool
) -> None:
    """The last group has fewer inputs, and the last panel fewer outputs."""
    # given
    torch.manual_seed(0)
    out, depth = 75, 600
    group_of = (torch.arange(depth) // group).int()
    if ordered:
        group_of = (torch.arange(depth - 24, 2 * depth - 24) % depth // group).int()
    groups = int(group_of.max()) + 1
    numbers = torch.randint(0, 16, (out, depth), dtype=torch.uint8)
    zeros = torch.randint(0, 17, (out, groups), dtype=torch.uint8)
    scale = (torch.rand(out, groups) / 16).to(scales)
    expected = (numbers.float() - zeros[:, group_of].float()) * scale[:, group_of].float()
    x, bias = torch.randn(90, depth), torch.randn(out)

    # when
    kept = keep_weight([group_numbers(numbers, scale, zeros, group_of, 4, dtype)], None)

    # then
    assert isinstance(kept, NativeGroupedWeight)
    assert isinstance(kept.packed, PackedInt4)
    assert torch.equal(kept.whole(), expected.to(dtype))
    found = kept.multiply(x, bias)
    order = torch.arange(depth) if kept.order is None else kept.order
    inputs = taken_by_integers(x[:, order], dtype)
    wanted = inputs @ expected[:, order].double().T + bias
    torch.testing.assert_close(found, wanted.float(), atol=1e-4, rtol=1e-5)
    for row in (0, 8, 89):
        assert torch.equal(kept.multiply(x[row : row + 1], bias)[0], found[row])


def test_projections_that_are_not_alike_are_kept_apart() -> None:
    torch.manual_seed(0)
    plain = torch.randn(24, 64)
    parts = [plain]
    for recipe in (RECIPES["gptq"], RECIPES["gptq"], RECIPES["gptq-order"]):
        parts.append(_grouped(torch.randn(16, 64), recipe))
    dense = [
        plain,
        *(restore_order(from_grouped(part, torch.float32), part.order) for part in parts[1:]),
    ]
    x, bias = torch.randn(5, 64), torch.randn(72)

    kept = keep_weight(parts, Quantisation.INT8)
    assert isinstance(kept, SeparateWeights)
    assert kept.widths == [24, 32, 16]
    assert torch.equal(kept.whole()[24:], torch.cat(dense[1:]))
    torch.testing.assert_close(
        kept.multiply(x, bias), x @ kept.whole().T + bias, atol=1e-4, rtol=1e-4
    )


def _grouped(weight: torch.Tensor, recipe: Recipe):
    pieces, dense = quantise(weight, recipe)
    group_of = pieces["g_idx"]
    scales, zeros = pieces["scales"].T, torch.zeros(len(weight), 2, dtype=torch.uint8)
    numbers = (dense / scales.float()[:, group_of]).round()
    zeros += int(-numbers.min())
    return group_numbers(
        (numbers + int(zeros[0, 0])).to(torch.uint8), scales, zeros, group_of, 8, torch.float32
    )
