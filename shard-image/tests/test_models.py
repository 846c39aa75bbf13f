"""Every architecture of the family against transformers, and directories that cannot be served."""

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tiny_model import write_model
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
)

from lorax_shard.adapters.reader import read_adapter
from lorax_shard.adapters.table import AdapterTable
from lorax_shard.checkpoint_files import CheckpointError
from lorax_shard.kv_cache import BLOCK_SIZE, KvCache, KvShape
from lorax_shard.layers import native
from lorax_shard.layers.attention import DecodePlan
from lorax_shard.layers.native import native_kernels
from lorax_shard.layers.parallel import ShardGroup
from lorax_shard.layers.prefill import PrefillPlan, Span
from lorax_shard.layers.quantisation import Quantisation
from lorax_shard.layers.routing import route_segments
from lorax_shard.layers.step import StepContext
from lorax_shard.models import load_model, read_model_config
from lorax_shard.weights import Checkpoint, stored_tensors

CPU = torch.device("cpu")
LLAMA3_ROPE = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
GEMMA = {
    "hidden_activation": "gelu_pytorch_tanh",
    "query_pre_attn_scalar": 12,
    "sliding_window": 20,
    "head_dim": 16,
}
FAMILY = {
    "tied": (LlamaConfig, {}),
    "untied": (LlamaConfig, {"tie_word_embeddings": False}),
    "biased": (LlamaConfig, {"attention_bias": True, "mlp_bias": True}),
    "llama3": (LlamaConfig, {"rope_scaling": LLAMA3_ROPE, "rope_theta": 500000.0}),
    "linear": (LlamaConfig, {"rope_scaling": {"rope_type": "linear", "factor": 4.0}}),
    "wide-heads": (LlamaConfig, {"head_dim": 16}),
    "qwen2": (Qwen2Config, {}),
    "mistral": (MistralConfig, {"sliding_window": None}),
    "mistral-window": (MistralConfig, {"sliding_window": 20}),
    "qwen2-window": (
        Qwen2Config,
        {"use_sliding_window": True, "sliding_window": 20, "max_window_layers": 1},
    ),
    "qwen3": (Qwen3Config, {"head_dim": 16}),
    "phi3": (Phi3Config, {"pad_token_id": 0, "tie_word_embeddings": False}),
    "phi3-partial": (
        Phi3Config,
        {"pad_token_id": 0, "partial_rotary_factor": 0.5, "sliding_window": 30},
    ),
    "gemma2": (Gemma2Config, GEMMA),
    "gemma3": (
        Gemma3TextConfig,
        {**GEMMA, "rope_theta": 1e6, "rope_local_base_freq": 1e4, "sliding_window_pattern": 2},
    ),
}


def our_logits(
    directory: Path,
    ids: list[int],
    cuts: Sequence[int],
    adapter: Path | None = None,
    quantisation: Quantisation | None = None,
    device: torch.device = CPU,
) -> torch.Tensor:
    """Logits of all tokens: the prompt in parts that end at the cuts, the rest one by one."""
    config = read_model_config(directory)
    model = load_model(directory, config, ShardGroup(), device, quantisation=quantisation)
    table = AdapterTable(model.linears())
    if adapter is not None:
        table.install(1, table.fit(read_adapter(adapter, "adapter", table.projections)))
    resident = table.get(1) if adapter else None
    config = model.config
    shape = KvShape(config.layers, model.kv_heads, config.head_dim, config.dtype)
    cache = KvCache(shape, 8, device)
    blocks = torch.tensor([5, 2, 7, 1], device=device)
    places = torch.arange(BLOCK_SIZE, device=device)
    slots = torch.cat([block * BLOCK_SIZE + places for block in blocks])
    tokens = torch.tensor(ids, device=device)
    positions = torch.arange(len(ids), device=device)

    def run(start: int, stop: int, attention) -> torch.Tensor:
        lora = route_segments([resident.slot if resident else None], [stop - start], device)
        step = StepContext(tokens[start:stop], positions[start:stop], attention, lora, None, lora)
        with torch.inference_mode():
            return model.forward(step, cache.layers)

    rows = []
    for start, stop in pairwise([0, *cuts]):
        span = Span(0, stop - start, start, blocks[: -(-stop // BLOCK_SIZE)] if start else None)
        rows.append(run(start, stop, PrefillPlan([span], slots[start:stop])))
    for place in range(cuts[-1], len(ids)):
        length = torch.tensor([place + 1], device=device)
        plan = DecodePlan(slots[place : place + 1], blocks[None], length)
        rows.append(run(place, place + 1, plan))
    return torch.cat(rows).cpu()


@pytest.mark.parametrize("cuts", [[50], [1, 20, 37, 50]], ids=["whole", "chunks"])
@pytest.mark.parametrize("kernels", [True, False], ids=["kernels", "torch"])
@pytest.mark.parametrize("name", FAMILY)
def test_logits_equal_those_of_transformers(
    tmp_path: Path, name: str, kernels: bool, cuts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    if not kernels:
        monkeypatch.setattr(native, "_load", lambda: (None, "without"))
    assert (native_kernels(CPU, torch.float32) is not None) == kernels
    config_class, changes = FAMILY[name]
    write_model(tmp_path, config_class, **changes)
    ids = [(11 * place) % 300 + 3 for place in range(60)]

    # when
    ours = our_logits(tmp_path, ids, cuts)

    # then
    reference = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager"
    )
    with torch.inference_mode():
        expected = reference(torch.tensor([ids])).logits[0]
    torch.testing.assert_close(ours, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ["phi3", "gemma2", "gemma3", "qwen3"])
def test_adapters_of_every_linear_layer_equal_peft(tmp_path: Path, name: str) -> None:
    # given
    config_class, changes = FAMILY[name]
    write_model(tmp_path, config_class, **changes)
    reference = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager"
    )
    settings = LoraConfig(r=6, lora_alpha=12, target_modules="all-linear", init_lora_weights=False)
    adapted = get_peft_model(reference, settings)
    adapted.save_pretrained(tmp_path / "adapter")
    ids = [(11 * place) % 300 + 3 for place in range(40)]

    # when
    ours = our_logits(tmp_path, ids, [30], adapter=tmp_path / "adapter")

    # then
    with torch.inference_mode():
        expected = adapted(torch.tensor([ids])).logits[0]
    torch.testing.assert_close(ours, expected, atol=5e-4, rtol=1e-4)
    assert not torch.allclose(ours, our_logits(tmp_path, ids, [30]), atol=1e-2)


def test_weights_may_lie_in_many_files(tmp_path: Path) -> None:
    # given the same model whole and in pieces
    write_model(tmp_path / "whole")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "whole")
    model.save_pretrained(tmp_path / "pieces", max_shard_size="100KB")
    assert len(list((tmp_path / "pieces").glob("*.safetensors"))) > 2

    # then
    ids = list(range(50, 80))
    pieces = our_logits(tmp_path / "pieces", ids, [20])
    torch.testing.assert_close(pieces, our_logits(tmp_path / "whole", ids, [20]))


def edited(tmp_path: Path, **changes) -> Path:
    write_model(tmp_path)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return tmp_path


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"model_type": "bloom"},
            "model_type 'bloom'.*the attention of BloomForCausalLM cannot be replaced",
        ),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ({"rope_scaling": {"rope_type": "yarn"}, "rope_parameters": None}, "rope type 'yarn'"),
        (
            {"intermediate_size": 96},
            r"gate_proj.weight must have shape \[96, 72\].*got \[100, 72\]",
        ),
        ({"num_hidden_layers": 4}, "no tensor model.layers.3.input_layernorm.weight"),
    ],
)
def test_models_that_do_not_fit_are_refused_by_name(
    tmp_path: Path, changes: dict, reason: str
) -> None:
    directory = edited(tmp_path, **changes)

    with pytest.raises(CheckpointError, match=reason):
        load_model(directory, read_model_config(directory), ShardGroup(), CPU)


def test_missing_and_broken_files_are_named(tmp_path: Path) -> None:
    write_model(tmp_path)
    weights = tmp_path / "model.safetensors"
    config = read_model_config(tmp_path)

    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"model.safetensors is not a safetensors file"):
        load_model(tmp_path, config, ShardGroup(), CPU)

    weights.unlink()
    with pytest.raises(CheckpointError, match=r"has no weights: expected model.safetensors"):
        load_model(tmp_path, config, ShardGroup(), CPU)

    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match="must hold a JSON object, got a list"):
        read_model_config(tmp_path)


def test_weights_of_another_name_are_read_where_they_are_the_only_ones(tmp_path: Path) -> None:
    write_model(tmp_path)
    config = read_model_config(tmp_path)
    weights = tmp_path / "model.safetensors"
    names = set(Checkpoint(tmp_path, torch.float32, CPU).names())

    weights = weights.rename(tmp_path / "gptq_model-4bit-128g.safetensors")
    load_model(tmp_path, config, ShardGroup(), CPU)
    assert {tensor.name for tensor in stored_tensors(tmp_path)} == names

    index = {"weight_map": dict.fromkeys(names, weights.name)}
    (tmp_path / f"{weights.name}.index.json").write_text(json.dumps(index))
    (tmp_path / "other.safetensors").write_bytes(b"")
    load_model(tmp_path, config, ShardGroup(), CPU)

    (tmp_path / f"{weights.name}.index.json").unlink()
    with pytest.raises(
        CheckpointError,
        match=r"only one \*.safetensors in .*, got gptq_model-4bit-128g.safetensors, other.safe",
    ):
        load_model(tmp_path, config, ShardGroup(), CPU)


def test_an_index_that_points_nowhere_is_named(tmp_path: Path) -> None:
    write_model(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    save_file({"model.norm.weight": weights["model.norm.weight"]}, tmp_path / "model.safetensors")
    index = {"weight_map": dict.fromkeys(weights, "model.safetensors")}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))

    with pytest.raises(CheckpointError, match="which does not hold it"):
        load_model(tmp_path, read_model_config(tmp_path), ShardGroup(), CPU)
