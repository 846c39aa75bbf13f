"""Checkpoints of AWQ, GPTQ and bitsandbytes: every weight is what its numbers stand for."""

import json
from pathlib import Path

import pytest
import torch
from packed_model import METADATA, Recipe, set_config, write_packed
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from test_models import our_logits
from tiny_model import write_model
from transformers import AutoModelForCausalLM, LlamaConfig, Phi3Config, Qwen2Config

from lorax_shard.checkpoint_files import CheckpointError
from lorax_shard.engine.limits import MemoryLimits, OutOfMemory
from lorax_shard.engine.memory import DeviceMemory
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.models import WeightCount, load_model, read_model_config, weight_count

CPU = torch.device("cpu")
IDS = list(range(60, 110))
# Two shards cut heads, groups and words of eight apart.
SHAPE = {
    "hidden_size": 64,
    "intermediate_size": 104,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 12,
    "vocab_size": 336,
    "num_hidden_layers": 2,
}
RECIPES = {
    "awq": Recipe("awq"),
    "awq-8": Recipe("awq", group_size=8),
    "awq-row": Recipe("awq", group_size=-1),
    "awq-some": Recipe("awq", left_out=("lm_head", "v_proj", "layers.1.mlp")),
    "gptq": Recipe(),
    "gptq-128": Recipe(group_size=128, symmetric=True),
    "gptq-24": Recipe(group_size=24, layout="gptq"),
    "gptq-21": Recipe(group_size=21, with_group_index=False),
    "gptq-v2": Recipe(group_size=64, layout="gptq_v2"),
    "gptq-row": Recipe(group_size=-1, symmetric=True),
    "gptq-order": Recipe(act_order=True),
    "gptq-order-24-v2": Recipe(group_size=24, act_order=True, layout="gptq_v2"),
    "gptq-order-row": Recipe(group_size=-1, act_order=True),
    "gptq-8bit": Recipe(bits=8),
    "gptq-8bit-order": Recipe(bits=8, act_order=True, symmetric=True, layout="gptq_v2"),
    "gptq-8bit-row": Recipe(bits=8, group_size=-1),
    "gptq-bfloat16": Recipe(scales=torch.bfloat16),
    "gptq-float32": Recipe(scales=torch.float32),
    "gptq-head": Recipe(left_out=(), settings={"lm_head": True}),
    "nf4": Recipe("bitsandbytes", group_size=64),
    "nf4-nested": Recipe("bitsandbytes", group_size=64, is_nested=True),
    "nf4-some": Recipe("bitsandbytes", group_size=32, left_out=("lm_head", "v_proj")),
    "nf4-head": Recipe("bitsandbytes", group_size=64, left_out=()),
    "fp4": Recipe("bitsandbytes", group_size=64, levels="fp4"),
}
# Blocks of bitsandbytes lie in outputs.
WIDE = {"head_dim": 16, "intermediate_size": 128}


def write_pair(
    root: Path, recipe: Recipe, config_class=LlamaConfig, **changes
) -> tuple[Path, Path]:
    """A packed model and the dense one that it stands for."""
    wide = WIDE if recipe.method == "bitsandbytes" else {}
    settings = {**SHAPE, **wide, "tie_word_embeddings": False, **changes}
    write_model(root / "source", config_class, **settings)
    write_packed(root / "source", recipe, root / "packed", root / "dense")
    return root / "packed", root / "dense"


def linears(directory: Path, group: ShardGroup | None = None):
    config = read_model_config(directory)
    return list(load_model(directory, config, group or ShardGroup(), CPU).linears())


@pytest.mark.parametrize("name", RECIPES)
def test_every_weight_is_what_its_numbers_stand_for(name: str, tmp_path: Path) -> None:
    """Bit for bit, on one shard and on each of two."""
    packed, dense = write_pair(tmp_path, RECIPES[name])

    for group in (ShardGroup(), ShardGroup(0, 2), ShardGroup(1, 2)):
        pairs = list(zip(linears(packed, group), linears(dense, group), strict=True))
        assert len(pairs) == 9
        for found, expected in pairs:
            assert torch.equal(found.weight.whole(), expected.weight.whole())
            assert found.weight.in_features == expected.weight.in_features


@pytest.mark.parametrize(
    ("config_class", "changes"),
    [
        (LlamaConfig, {"attention_bias": True, "mlp_bias": True}),
        (LlamaConfig, {"tie_word_embeddings": True}),
        (Qwen2Config, {"head_dim": 16}),
        (Phi3Config, {"head_dim": 16, "pad_token_id": 0}),
    ],
)
@pytest.mark.parametrize("name", ["awq", "gptq-order", "nf4-nested"])
def test_logits_equal_those_of_transformers(
    config_class, changes: dict, name: str, tmp_path: Path
) -> None:
    """With the dequantised weights in their places; Phi-3 has fused projections."""
    packed, dense = write_pair(tmp_path, RECIPES[name], config_class, **changes)

    ours = our_logits(packed, IDS, [1, 20, 37])

    expected = _logits(AutoModelForCausalLM.from_pretrained(dense, dtype=torch.float32))
    torch.testing.assert_close(ours, expected, atol=1e-3, rtol=1e-4)
    assert torch.equal(ours.argmax(1), expected.argmax(1))


@pytest.mark.parametrize("name", ["awq-some", "gptq", "gptq-order", "gptq-8bit-order", "nf4"])
@pytest.mark.parametrize("dora", [False, True])
def test_adapters_are_added_as_by_peft(name: str, dora: bool, tmp_path: Path) -> None:
    packed, dense = write_pair(tmp_path, RECIPES[name])
    adapter = tmp_path / "adapter"
    torch.manual_seed(1)
    settings = LoraConfig(
        r=8, lora_alpha=16, target_modules="all-linear", init_lora_weights=False, use_dora=dora
    )
    base = AutoModelForCausalLM.from_pretrained(dense, dtype=torch.float32)
    adapted = get_peft_model(base, settings)
    adapted.save_pretrained(adapter)

    ours = our_logits(packed, IDS, [30], adapter=adapter)

    torch.testing.assert_close(ours, _logits(adapted), atol=1e-3, rtol=1e-3)
    assert not torch.allclose(ours, our_logits(packed, IDS, [30]), atol=1e-2)


def _logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(torch.tensor([IDS])).logits[0]


def test_a_zero_of_0_needs_a_writer_that_does_not_lose_others(tmp_path: Path) -> None:
    """GPTQModel subtracts 1 from each by subtracting from the word; others overwrite neighbours."""
    # given zeros of v2, some of them 0
    recipe = Recipe(layout="gptq_v2")
    packed, dense = write_pair(tmp_path, recipe)
    tensors = load_file(packed / "model.safetensors")
    whole = load_file(dense / "model.safetensors")
    name = "model.layers.0.mlp.down_proj"
    words = tensors[f"{name}.qzeros"]
    words &= ~0xF0  # the second of each eight
    scales = tensors[f"{name}.scales"].float()
    before = _zeros_of(load_file(packed / "model.safetensors")[f"{name}.qzeros"])
    change = (before - _zeros_of(words)) * scales  # [groups, out]
    whole[f"{name}.weight"] += change[tensors[f"{name}.g_idx"].long()].T
    # and the same in the first format, as GPTQModel makes it
    for key, tensor in tensors.items():
        if key.endswith("qzeros"):
            tensor -= 0x11111111
    save_file(tensors, packed / "model.safetensors", METADATA)
    save_file(whole, dense / "model.safetensors", METADATA)

    # then
    config = Recipe(layout="gptq").config()
    set_config(packed, config | {"meta": {"quantizer": ["gptqmodel:1.4.2"]}})
    for found, expected in zip(linears(packed), linears(dense), strict=True):
        torch.testing.assert_close(found.weight.whole(), expected.weight.whole())
    set_config(packed, config)
    with pytest.raises(CheckpointError, match=r"down_proj.qzeros has a zero of 0 .* GPTQModel"):
        linears(packed)


def _zeros_of(words: torch.Tensor) -> torch.Tensor:
    return torch.stack([(words >> place) & 15 for place in range(0, 32, 4)], 2).flatten(1)


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        ("quantize_config.json", {"bits": 4, "group_size": 32, "desc_act": True, "sym": False}),
        ("quant_config.json", {"zero_point": True, "q_group_size": 32, "w_bit": 4}),
    ],
)
def test_the_settings_may_lie_beside_the_config(file: str, settings: dict, tmp_path: Path) -> None:
    recipe = RECIPES["gptq-order" if file == "quantize_config.json" else "awq"]
    packed, dense = write_pair(tmp_path, recipe)
    set_config(packed, None)
    (packed / file).write_text(json.dumps(settings))

    for found, expected in zip(linears(packed), linears(dense), strict=True):
        assert torch.equal(found.weight.whole(), expected.weight.whole())


AWQ = Recipe("awq").config()
GPTQ = Recipe().config()
NF4 = Recipe("bitsandbytes").config()


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (AWQ | {"bits": 3}, r"bits 3 of .*config.json \(quant_method awq\) .*: expected 4$"),
        (AWQ | {"bits": 8}, r"bits 8 .*: expected 4$"),
        (GPTQ | {"bits": 2}, r"bits 2 .*quant_method gptq.*: expected 4 or 8"),
        (AWQ | {"version": "GEMV"}, r"version 'gemv' .*: expected gemm"),
        (AWQ | {"version": "exllama"}, r"version 'exllama' .*: expected gemm"),
        (AWQ | {"version": "marlin"}, r"version 'marlin' .*: expected gemm"),
        (AWQ | {"backend": "llm-awq"}, r"backend 'llm-awq' .*: expected autoawq"),
        (AWQ | {"zero_point": False}, r"zero_point False .*: expected true"),
        (GPTQ | {"checkpoint_format": "marlin"}, r"checkpoint_format 'marlin' .*gptq or gptq_v2"),
        (GPTQ | {"format": "bitblas"}, r"format 'bitblas' .*: expected gptq or gptq_v2"),
        (GPTQ | {"is_marlin_format": True}, r"is_marlin_format 'true' .*: expected gptq or"),
        (GPTQ | {"pack_dtype": "int16"}, r"pack_dtype 'int16' .*: expected int32"),
        (GPTQ | {"group_size": 0}, r"group_size 0 .*: expected a number of inputs, or -1"),
        (GPTQ | {"dynamic": {"+:.*": {"bits": 8}}}, r"dynamic .*: expected the same for all"),
        (GPTQ | {"adapter": {"name": "lora"}}, r"adapter .*: expected none"),
        ({"quant_method": "gptq", "bits": 4}, r"lacks 'group_size'"),
        (NF4 | {"load_in_4bit": False}, r"load_in_4bit False .*: expected true"),
        (NF4 | {"bnb_4bit_quant_type": "int4"}, r"quant_type 'int4' .*: expected nf4 or fp4"),
        (NF4 | {"bnb_4bit_quant_storage": "bfloat16"}, r"storage 'bfloat16' .*: expected uint8"),
        ({"quant_method": "fp8"}, r"quant_method 'fp8' .* is not supported: expected awq, gptq or"),
        ({"quant_method": "compressed-tensors"}, r"quant_method 'compressed-tensors' .*expected"),
        (["gptq"], r"quantization_config of .* must be a JSON object, got \['gptq'\]"),
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused_before_it_is_loaded(
    settings, reason: str, tmp_path: Path
) -> None:
    write_model(tmp_path / "model")
    set_config(tmp_path / "model", settings)

    with pytest.raises(CheckpointError, match=reason):
        read_model_config(tmp_path / "model")


def test_modules_may_be_left_out_by_a_pattern(tmp_path: Path) -> None:
    recipe = Recipe(
        left_out=("lm_head", "o_proj"), settings={"dynamic": {r"-:.*\.o_proj": {}, "-:lm_head": {}}}
    )
    packed, dense = write_pair(tmp_path, recipe)

    for found, expected in zip(linears(packed), linears(dense), strict=True):
        assert torch.equal(found.weight.whole(), expected.weight.whole())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"q_proj.scales": torch.ones(3, 48)},
            r"q_proj.scales must have shape \[2, 48\] by config.json, got \[3, 48\]",
        ),
        (
            {"q_proj.scales": torch.ones(2, 48, dtype=torch.int32)},
            r"q_proj.scales must be of float16, bfloat16 or float32, got torch.int32",
        ),
        (
            {"q_proj.qweight": torch.ones(8, 48)},
            r"q_proj.qweight must hold words of int32, got torch.float32",
        ),
        (
            {"q_proj.g_idx": torch.full((64,), 2, dtype=torch.int32)},
            r"q_proj.g_idx must name groups from 0 to 1, got 2 to 2",
        ),
        ({"q_proj.g_idx": None}, r"has no tensor .*q_proj.g_idx"),
        ({"q_proj.qzeros": None}, r"has no tensor .*q_proj.qzeros"),
    ],
    ids=str,
)
def test_damaged_layers_are_refused(change: dict, reason: str, tmp_path: Path) -> None:
    packed, _ = write_pair(tmp_path, RECIPES["gptq-order"])
    tensors = load_file(packed / "model.safetensors")
    for name, tensor in change.items():
        tensors.pop(f"model.layers.0.self_attn.{name}")
        if tensor is not None:
            tensors[f"model.layers.0.self_attn.{name}"] = tensor
    save_file(tensors, packed / "model.safetensors", METADATA)

    with pytest.raises(CheckpointError, match=reason):
        linears(packed)


def test_contradictions_between_files_and_settings_are_refused(tmp_path: Path) -> None:
    packed, dense = write_pair(tmp_path, RECIPES["awq"])
    set_config(packed, AWQ | {"modules_to_not_convert": ["self_attn.v_proj"]})
    set_config(dense, AWQ)

    with pytest.raises(CheckpointError, match=r"v_proj.qweight, and names self_attn.v_proj among"):
        linears(packed)
    with pytest.raises(CheckpointError, match=r"says that awq has quantised it, and no tensor is"):
        linears(dense)
    set_config(dense, NF4)
    with pytest.raises(CheckpointError, match=r"says that bitsandbytes has .* and no tensor is so"):
        linears(dense)


@pytest.mark.parametrize(("bits", "divisor"), [(4, 2), (8, 1)])
def test_the_memory_that_is_needed_is_that_of_the_packed_weights(
    bits: int, divisor: int, tmp_path: Path
) -> None:
    packed, _ = write_pair(tmp_path, Recipe(bits=bits), tie_word_embeddings=True)

    count = weight_count(packed, read_model_config(packed))

    attention = 64 * (48 + 24 + 24) + 48 * 64
    inputs = 2 * (3 * 64 + 48 + 2 * 64 + 104)  # of the layers, each with a group
    linear = 2 * (attention + 3 * 64 * 104)
    groups = 2 * (2 * (48 + 24 + 24) + 2 * 64 + 2 * 2 * 104 + 4 * 64)
    assert count.table == 336 * 64
    assert count.linear == 5 * 64  # norms
    assert count.packed == linear // divisor + groups * 3 + inputs * 4
    table, norms = 336 * 64 * 2, 5 * 64 * 2
    shard = table + (norms + count.packed) // 2
    assert count.bytes_of_shard(torch.bfloat16, None, 2) == shard


def test_a_packed_model_that_does_not_fit_is_not_told_to_be_quantised() -> None:
    count = WeightCount(table=10**15, linear=0, packed=2**50)
    memory = DeviceMemory(CPU, MemoryLimits(), shards=2)

    with pytest.raises(OutOfMemory, match=r"as float32 with 524288.0 GiB of linear layers") as told:
        memory.check_weights("m", count, torch.float32, None)
    assert "set --dtype bfloat16" in str(told.value)
    assert "--quantize" not in str(told.value)
