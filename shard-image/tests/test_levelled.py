"""Checkpoints of bitsandbytes: products, memory and damage; the rest is in test_packed.py."""

import json
from pathlib import Path

import pytest
import torch
from kernel_numbers import rounds, taken
from packed_model import LEVELS, METADATA
from safetensors.torch import load_file, save_file
from test_packed import RECIPES, linears, write_pair

from lorax_shard.checkpoint_files import CheckpointError
from lorax_shard.layers.grouped import group_numbers
from lorax_shard.layers.grouped_weight import NativeGroupedWeight
from lorax_shard.layers.kept_weight import keep_weight
from lorax_shard.layers.native_weights import PackedLevels
from lorax_shard.models import read_model_config, weight_count


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_products_of_levels_equal_those_of_the_whole_weight(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    out, depth = 205, 619
    group_of = torch.arange(40).repeat_interleave(torch.arange(40) + 1)[:depth].int()
    numbers = torch.randint(0, 16, (out, depth), dtype=torch.uint8)
    levels, scale = torch.tensor(LEVELS["nf4"]), torch.rand(out, 40)
    expected = levels[numbers.int()] * scale[:, group_of]
    x = torch.randn(90, depth)

    kept = keep_weight([group_numbers(numbers, scale, None, group_of, 4, dtype, levels)], None)

    is_native = dtype is not torch.float16
    assert torch.equal(kept.whole(), expected.to(dtype))
    found = kept.multiply(x if is_native else x.half(), None)
    slack = 1e-3 if is_native else 0.5
    wanted = (taken(x, dtype) @ taken(expected, dtype).T).float()
    torch.testing.assert_close(found.float(), wanted, atol=slack, rtol=slack / 5)
    if is_native:
        assert torch.equal(kept.multiply(x[89:], None)[0], found[89])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("scales", [torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("group", [32, 64, 96, 512])
def test_levels_of_equal_groups_are_multiplied_as_they_are(
    dtype: torch.dtype, scales: torch.dtype, group: int
) -> None:
    """Where pairs are; the scale is then that of a group's sum, and a level is in bfloat16."""
    # given
    torch.manual_seed(0)
    out, depth = 75, 600
    group_of = (torch.arange(depth) // group).int()
    numbers = torch.randint(0, 16, (out, depth), dtype=torch.uint8)
    levels = torch.tensor(LEVELS["nf4"])
    scale = torch.rand(out, int(group_of.max()) + 1).to(scales)
    whole = levels[numbers.int()] * scale[:, group_of]
    x, bias = torch.randn(90, depth), torch.randn(out)

    # when
    kept = keep_weight([group_numbers(numbers, scale, None, group_of, 4, dtype, levels)], None)

    # then
    assert isinstance(kept, NativeGroupedWeight)
    assert isinstance(kept.packed, PackedLevels) == rounds(dtype)
    assert torch.equal(kept.whole(), whole.to(dtype))
    rounded = taken(levels, dtype)[numbers.int()] * scale[:, group_of].double()
    found = kept.multiply(x, bias)
    wanted = (taken(x, dtype) @ rounded.T + bias).float()
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-5)
    for row in (0, 8, 89):
        assert torch.equal(kept.multiply(x[row : row + 1], bias)[0], found[row])


def state_of(**changes) -> torch.Tensor:
    state = {"blocksize": 64, "shape": [64, 64], **changes}
    return torch.frombuffer(bytearray(json.dumps(state).encode()), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"quant_state.bitsandbytes__nf4": state_of(shape=[64, 32])}, r"shape \[64, 64\] .* got"),
        ({"quant_state.bitsandbytes__nf4": state_of(blocksize=48)}, r"blocks of 48 numbers, which"),
        ({"quant_state.bitsandbytes__nf4": torch.ones(9)}, r"bitsandbytes__nf4 cannot be read"),
        ({"absmax": torch.ones(63)}, r"weight.absmax must have shape \[64\] .*got \[63\]"),
        ({"absmax": torch.ones(64).half()}, r"absmax must be of float32, got torch.float16"),
        ({"quant_map": None}, r"has no tensor .*q_proj.weight.quant_map"),
        ({"": torch.ones(2048, 1)}, r"q_proj.weight must hold two numbers in a uint8, got"),
    ],
    ids=str,
)
def test_damaged_layers_of_bitsandbytes_are_refused(
    change: dict, reason: str, tmp_path: Path
) -> None:
    packed, _ = write_pair(tmp_path, RECIPES["nf4"])
    tensors = load_file(packed / "model.safetensors")
    for name, tensor in change.items():
        key = f"model.layers.0.self_attn.q_proj.weight.{name}".removesuffix(".")
        tensors.pop(key)
        if tensor is not None:
            tensors[key] = tensor
    save_file(tensors, packed / "model.safetensors", METADATA)

    with pytest.raises(CheckpointError, match=reason):
        linears(packed)


@pytest.mark.parametrize("name", ["nf4", "nf4-nested"])
def test_the_memory_that_levels_need_is_that_of_numbers_and_magnitudes(
    name: str, tmp_path: Path
) -> None:
    packed, _ = write_pair(tmp_path, RECIPES[name], tie_word_embeddings=True)

    count = weight_count(packed, read_model_config(packed))

    linear = 2 * (64 * (64 + 32 + 32) + 64 * 64 + 3 * 64 * 128)
    assert count.linear == 5 * 64  # norms
    assert count.packed == linear // 2 + linear // 64 * 4
