"""Architectures that are not ours, against transformers and PEFT alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from test_models import our_logits
from tiny_model import write_model
from transformers import AutoModelForCausalLM

from lorax_shard.checkpoint_files import CheckpointError, UnsupportedCheckpoint
from lorax_shard.layers import native
from lorax_shard.layers.native import HeadCounts, native_kernels
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.models import ForeignConfig, load_model, read_model_config
from lorax_shard.models.foreign import config as foreign_config
from lorax_shard.models.foreign.attention import NotServed, PagedAttention, SeenAttention
from lorax_shard.models.foreign.decoder import check_windows
from lorax_shard.models.foreign.proof import ask_transformers, prove, question

CPU = torch.device("cpu")
IDS = [(11 * place) % 300 + 3 for place in range(60)]
# Each differs from ours in something: positions, norms, activations, fused layers, heads, scales.
SERVED = {
    "gpt2": ("GPT2", {}),
    "gpt-neox": ("GPTNeoX", {}),
    "gpt-j": ("GPTJ", {"rotary_dim": 4}),
    "codegen": ("CodeGen", {"rotary_dim": 4, "hidden_size": 64, "num_attention_heads": 8}),
    "bigcode": ("GPTBigCode", {}),
    "bigcode-heads": ("GPTBigCode", {"multi_query": False}),
    "opt": ("OPT", {"ffn_dim": 100, "word_embed_proj_dim": 72, "pad_token_id": 0}),
    "phi": ("Phi", {}),
    "starcoder2": ("Starcoder2", {"sliding_window": 20}),
    "olmo": ("Olmo", {}),
    "olmo2": ("Olmo2", {}),
    "olmo3": ("Olmo3", {"sliding_window": 20}),
    "cohere": ("Cohere", {"logit_scale": 4.0}),
    "cohere2": ("Cohere2", {"logit_scale": 4.0, "sliding_window": 20}),
    "granite": (
        "Granite",
        {"logits_scaling": 2.0, "residual_multiplier": 0.5, "attention_multiplier": 0.3},
    ),
    "gemma": ("Gemma", {"head_dim": 16}),
    "nemotron": ("Nemotron", {}),
    "glm4": ("Glm4", {"head_dim": 8, "pad_token_id": 0}),
    "smollm3": ("SmolLM3", {"pad_token_id": 0}),
    "exaone4": ("Exaone4", {"sliding_window": 20}),
    "mixtral": ("Mixtral", {"num_local_experts": 4}),
    "qwen3-moe": (
        "Qwen3Moe",
        {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 40, "head_dim": 8},
    ),
}
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
REFUSED = {
    "bloom": ("Bloom", {}, "the attention of BloomForCausalLM cannot be replaced"),
    "mpt": ("Mpt", {}, "the attention of MptForCausalLM cannot be replaced"),
    "falcon": ("Falcon", {"alibi": True}, "the attention of FalconForCausalLM cannot be replaced"),
    "mamba": ("Mamba", {}, "it keeps a state that is no cache of keys and values"),
    "lfm2": ("Lfm2", {"layer_types": ["conv", "full_attention", "conv"]}, "layers of kind conv"),
    "sinks": ("GptOss", {}, "GptOssAttention attends with s_aux"),
    "growing": (
        "Olmo2",
        {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 10000.0}},
        "with rope type 'dynamic' an answer would depend on the other requests",
    ),
}


def write(directory: Path, name: str) -> None:
    kind, changes = SERVED[name]
    write_model(directory, getattr(transformers, f"{kind}Config"), **changes)


def reference(directory: Path):
    return AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager"
    )


def logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.tensor([IDS])).logits[0]


def save_adapter(directory: Path, **settings):
    """An adapter of every linear layer, and the model with it as PEFT computes it."""
    adapted = get_peft_model(
        reference(directory),
        LoraConfig(
            r=6,
            lora_alpha=12,
            init_lora_weights=False,
            **{"target_modules": "all-linear"} | settings,
        ),
    )
    adapted.save_pretrained(directory / "adapter")
    return adapted


@pytest.mark.parametrize("kernels", [True, False], ids=["kernels", "torch"])
@pytest.mark.parametrize("name", SERVED)
def test_logits_equal_those_of_transformers(
    tmp_path: Path, name: str, kernels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    if not kernels:
        monkeypatch.setattr(native, "_load", lambda: (None, "without"))
    assert (native_kernels(CPU, torch.float32) is not None) == kernels
    write(tmp_path, name)

    # when
    ours = our_logits(tmp_path, IDS, [1, 20, 37, 50])

    # then
    expected = logits(reference(tmp_path))
    torch.testing.assert_close(ours, expected, atol=2e-4, rtol=1e-4)
    assert isinstance(read_model_config(tmp_path), ForeignConfig)


@pytest.mark.parametrize("name", SERVED)
def test_adapters_of_every_linear_layer_equal_peft(tmp_path: Path, name: str) -> None:
    # given
    write(tmp_path, name)
    # With experts "all" would be them, too, which see only some of the tokens.
    modules = ATTENTION if read_model_config(tmp_path).has_experts else "all-linear"
    adapted = save_adapter(tmp_path, target_modules=modules)

    # when
    ours = our_logits(tmp_path, IDS, [30], adapter=tmp_path / "adapter")

    # then
    expected = logits(adapted)
    torch.testing.assert_close(ours, expected, atol=1e-3, rtol=1e-4)
    assert not torch.allclose(ours, our_logits(tmp_path, IDS, [30]), atol=1e-2)


@pytest.mark.parametrize("name", ["gpt2", "phi"])
def test_dora_equals_peft(tmp_path: Path, name: str) -> None:
    # given
    write(tmp_path, name)
    adapted = save_adapter(tmp_path, use_dora=True)

    # when
    ours = our_logits(tmp_path, IDS, [30], adapter=tmp_path / "adapter")

    # then
    torch.testing.assert_close(ours, logits(adapted), atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_wrong_is_refused_by_name(tmp_path: Path, name: str) -> None:
    # given
    kind, changes, reason = REFUSED[name]
    write_model(tmp_path, getattr(transformers, f"{kind}Config"), **changes)

    # then
    with pytest.raises(UnsupportedCheckpoint, match=reason):
        load_model(tmp_path, read_model_config(tmp_path), ShardGroup(), CPU)


def edited(directory: Path, **changes) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return directory


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "never-heard-of"}, "transformers .* does not know it, and code that comes"),
        ({"model_type": "t5"}, "it is an encoder with a decoder"),
        ({"model_type": "gemma3"}, "it reads more than text"),
        ({"model_type": "vit"}, "it is no causal language model"),
        (
            {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}},
            "'gpt2' .* is not supported when it is quantised by awq: expected one of llama, ",
        ),
    ],
)
def test_what_is_no_model_that_generates_is_refused_by_name(
    tmp_path: Path, changes: dict, reason: str
) -> None:
    write(tmp_path, "gpt2")

    with pytest.raises(UnsupportedCheckpoint, match=reason):
        read_model_config(edited(tmp_path, **changes))


def test_without_transformers_the_refusal_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    write(tmp_path, "gpt2")
    monkeypatch.setattr(foreign_config.importlib.util, "find_spec", lambda name: None)

    # then
    with pytest.raises(UnsupportedCheckpoint, match=r"pip install 'lorax-shard\[transformers\]'"):
        read_model_config(tmp_path)


def test_a_tensor_that_is_missing_is_not_made_up(tmp_path: Path) -> None:
    # given
    write(tmp_path, "olmo2")
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})

    # then
    with pytest.raises(CheckpointError, match=r"no tensor model.layers.1.mlp.up_proj.weight for"):
        load_model(tmp_path, read_model_config(tmp_path), ShardGroup(), CPU)


def test_shapes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "olmo2")
    config = read_model_config(edited(tmp_path, intermediate_size=96))

    with pytest.raises(CheckpointError, match="cannot be loaded as Olmo2ForCausalLM"):
        load_model(tmp_path, config, ShardGroup(), CPU)


@pytest.mark.parametrize("quantisation", Quantisation)
def test_weights_in_fewer_bits_stay_close(tmp_path: Path, quantisation: Quantisation) -> None:
    # given
    write(tmp_path, "phi")
    config = read_model_config(tmp_path)
    cut = [20, 40]
    plain = our_logits(tmp_path, IDS, cut)

    # when
    kept = our_logits(tmp_path, IDS, cut, quantisation=quantisation)

    # then
    apart = (kept - plain).norm() / plain.norm()
    assert isinstance(config, ForeignConfig)
    assert 0 < apart < (0.05 if quantisation is Quantisation.INT8 else 0.3)


def test_experts_cannot_be_quantised(tmp_path: Path) -> None:
    write(tmp_path, "mixtral")
    config = read_model_config(tmp_path)

    with pytest.raises(UnsupportedCheckpoint, match=r"cannot quantise model.layers.0.mlp"):
        load_model(tmp_path, config, ShardGroup(), CPU, quantisation=Quantisation.INT8)


@pytest.mark.parametrize("name", ["gpt2", "gpt-neox", "starcoder2", "cohere2"])
def test_a_model_in_bfloat16_rounds_no_more_than_products(tmp_path: Path, name: str) -> None:
    """On a CPU: what lies between them is float32."""
    # given
    write(tmp_path, name)
    reference(tmp_path).to(torch.bfloat16).save_pretrained(tmp_path)
    assert read_model_config(tmp_path).dtype is torch.bfloat16

    # when
    ours = our_logits(tmp_path, IDS, [50])

    # then
    wide = reference(tmp_path)
    expected = logits(wide)[:50]
    apart = (ours[:50] - expected).norm() / expected.norm()
    assert apart < 0.015


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["gpt2", "olmo3", "cohere2"])
def test_16_bits_are_allowed_what_they_round(
    tmp_path: Path, name: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given as on a GPU, activations in the dtype of the weights
    monkeypatch.setattr(native, "_load", lambda: (None, "without"))
    write(tmp_path, name)
    reference(tmp_path).to(dtype).save_pretrained(tmp_path)

    # when
    ours = our_logits(tmp_path, IDS, [20, 50])

    # then
    expected = logits(reference(tmp_path))
    apart = (ours - expected).norm() / expected.norm()
    assert apart < (0.2 if dtype is torch.bfloat16 else 0.02)


@pytest.mark.parametrize(
    ("asked", "windows", "reason"),
    [
        ((0, 16, 0), (False, True, True), "layer 2 slides by config.json, and asks for no window"),
        ((0, 16, 8), (False, True, False), "layer 2 does not slide .* a window of 8"),
        ((0, 16), (False, True, True), "2 of its 3 layers attend"),
        ((0, 0, 0), None, "it slides by config.json, and no layer asks for a window"),
    ],
)
def test_windows_must_be_those_of_the_configuration(
    tmp_path: Path, asked: tuple[int, ...], windows: tuple[bool, ...] | None, reason: str
) -> None:
    # given
    write(tmp_path, "olmo3")
    config = replace(read_model_config(tmp_path), windows=windows)
    seen = [SeenAttention(HeadCounts(9, 3, 8), window) for window in asked]

    # then
    with pytest.raises(NotServed, match=reason):
        check_windows(seen, config)


def test_a_model_that_counts_positions_itself_is_found_out(tmp_path: Path) -> None:
    # given
    write(tmp_path, "gpt2")
    model = reference(tmp_path)
    sequences = question(300, CPU)
    attention = PagedAttention()
    with torch.inference_mode():
        expected = ask_transformers(model, attention, sequences)
    model.set_attn_implementation(attention.name)

    def forward(step, cache, **changes):
        with attention.during(step := replace(step, **changes), cache):
            return model(step.token_ids[None], position_ids=step.positions[None]).logits[0]

    def counting(step, cache):
        return forward(step, cache, positions=torch.arange(len(step.token_ids)))

    # then
    with torch.inference_mode():
        prove(forward, attention, sequences, expected)
        with pytest.raises(NotServed, match=r"its logits would be .* of their spread away"):
            prove(counting, attention, sequences, expected)
