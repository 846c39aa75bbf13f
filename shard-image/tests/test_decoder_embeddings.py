"""Decoders that embed: beside generating, or made for it."""

import json
from pathlib import Path

import pytest
import torch
from text_shard import embed, open_abilities
from tiny_encoders import MEAN, texts, write_sentence_files
from tiny_model import TinyModel, write_model, write_tokenizer
from torch.nn import functional
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    MistralConfig,
    Qwen3Config,
)

from lorax_shard.adapters.reader import read_adapter
from lorax_shard.checkpoint_files import CheckpointError
from lorax_shard.engine.engine import Engine
from lorax_shard.layers import native
from lorax_shard.models.task import Task

LENGTHS = (40, 1, 33, 100, 2)
TOLERANCE = {"atol": 5e-5, "rtol": 1e-4}


def last_hidden(model, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        output = model(input_ids=torch.tensor([ids]), output_hidden_states=True)
    return output.hidden_states[-1][0]


@pytest.mark.parametrize(
    ("config_class", "changes"),
    [
        (LlamaConfig, {}),
        (Qwen3Config, {"head_dim": 16}),
        (MistralConfig, {"sliding_window": 20}),
        (
            Gemma3TextConfig,
            {
                "hidden_activation": "gelu_pytorch_tanh",
                "query_pre_attn_scalar": 12,
                "sliding_window": 20,
                "head_dim": 16,
                "sliding_window_pattern": 2,
            },
        ),
    ],
)
def test_a_decoder_embeds_by_its_last_token_beside_generating(
    tmp_path: Path, config_class, changes: dict
) -> None:
    # given
    write_model(tmp_path, config_class, **changes)
    reference = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager"
    )

    # when
    abilities = open_abilities(tmp_path)
    ours = embed(abilities, texts(*LENGTHS))

    # then
    assert abilities.task is Task.GENERATION
    assert isinstance(abilities.engine, Engine)
    last = torch.stack([last_hidden(reference, ids)[-1] for ids in texts(*LENGTHS)])
    torch.testing.assert_close(ours, functional.normalize(last), **TOLERANCE)


def test_a_decoder_that_is_made_to_embed_needs_no_head(tmp_path: Path) -> None:
    # given a checkpoint as sentence-transformers saves it: no head, no `model.` before the names
    torch.manual_seed(1)
    config = MistralConfig(
        vocab_size=write_tokenizer(tmp_path),
        hidden_size=48,
        intermediate_size=80,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        initializer_range=0.2,
    )
    model = AutoModel.from_config(config).eval()
    model.save_pretrained(tmp_path)
    write_sentence_files(tmp_path, MEAN)

    # when
    abilities = open_abilities(tmp_path)
    ours = embed(abilities, texts(*LENGTHS))

    # then
    assert abilities.task is Task.EMBEDDING
    mean = torch.stack([last_hidden(model, ids).mean(0) for ids in texts(*LENGTHS)])
    torch.testing.assert_close(ours, mean, **TOLERANCE)


@pytest.mark.parametrize("kernels", [True, False], ids=["kernels", "torch"])
def test_a_decoder_that_looks_both_ways_embeds_as_in_transformers(
    tmp_path: Path, kernels: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given windows that are shorter and longer than texts
    if not kernels:
        monkeypatch.setattr(native, "_load", lambda: (None, "without"))
    torch.manual_seed(1)
    config = Gemma3TextConfig(
        vocab_size=write_tokenizer(tmp_path),
        hidden_size=48,
        intermediate_size=80,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        query_pre_attn_scalar=12,
        sliding_window=20,
        sliding_window_pattern=2,
        initializer_range=0.2,
        use_bidirectional_attention=True,
        attn_implementation="eager",
    )
    model = AutoModel.from_config(config).eval()
    model.save_pretrained(tmp_path)
    write_sentence_files(tmp_path, MEAN)

    # when
    ours = embed(open_abilities(tmp_path), texts(*LENGTHS))

    # then
    mean = torch.stack([last_hidden(model, ids).mean(0) for ids in texts(*LENGTHS)])
    torch.testing.assert_close(ours, mean, **TOLERANCE)


def test_a_decoder_that_looks_both_ways_cannot_generate(tmp_path: Path) -> None:
    write_model(tmp_path, Gemma3TextConfig, query_pre_attn_scalar=12, sliding_window=20)
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps(json.loads(path.read_text()) | {"use_bidirectional_attention": True})
    )

    with pytest.raises(CheckpointError, match=r"gemma3_text with modules\.json alone"):
        open_abilities(tmp_path)


def test_a_checkpoint_without_a_head_cannot_generate(tmp_path: Path) -> None:
    write_model(tmp_path, tie_word_embeddings=False)
    AutoModelForCausalLM.from_pretrained(tmp_path).model.save_pretrained(tmp_path)

    with pytest.raises(CheckpointError, match=r"no tensor lm_head\.weight"):
        open_abilities(tmp_path)


def test_adapters_change_embeddings_as_peft_does(tiny: TinyModel) -> None:
    # given
    abilities = open_abilities(tiny.directory)
    for index, name in enumerate(("every-module", "stabilised"), start=1):
        projections = abilities.engine.adapters.projections
        abilities.engine.load_adapter(
            index, read_adapter(tiny.adapter_root / name, name, projections)
        )
    asked = texts(20, 31, 8)

    # when
    ours = embed(abilities, asked, adapters=[2, 0, 1])

    # then
    adapters = ["stabilised", None, "every-module"]
    last = torch.stack(
        [
            last_hidden(tiny.reference(name), ids)[-1]
            for name, ids in zip(adapters, asked, strict=True)
        ]
    )
    torch.testing.assert_close(ours, functional.normalize(last), **TOLERANCE)
