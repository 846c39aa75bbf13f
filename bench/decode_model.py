"""A random model of a given shape with random adapters: decode_model.py SHAPE ADAPTERS DIRECTORY.

ADAPTERS is how many, of rank 16, or rank:how-many of several ranks with commas between, counted on.
Speed depends on shapes, not on values, so nothing is downloaded. Weights are bfloat16.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from bench_tokenizer import write_tokenizer
from peft import LoraConfig, get_peft_model
from shapes import SHAPES
from transformers import AutoModelForCausalLM, LlamaConfig

_RANK = 16
_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def write(shape: str, adapters: str, directory: Path) -> None:
    """The model in HF layout, and its adapters below `adapters`."""
    hidden, inner, layers, heads, kv_heads, vocabulary = SHAPES[shape]
    config: Any = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=inner,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
    )
    torch.manual_seed(0)
    model: Any = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
        config, dtype=torch.bfloat16
    )
    model.save_pretrained(directory)
    write_tokenizer(directory, vocabulary)
    index = 0
    for rank, count in _ranks(adapters):
        settings = LoraConfig(
            r=rank, lora_alpha=2 * rank, target_modules=_TARGETS, task_type="CAUSAL_LM"
        )
        adapted = get_peft_model(model, settings)
        for _ in range(count):
            torch.manual_seed(1 + index)
            for name, parameter in adapted.named_parameters():
                if "lora_" in name:
                    parameter.data = torch.randn(parameter.shape).to(torch.bfloat16) * 0.02
            adapted.save_pretrained(str(directory / "adapters" / str(index)))
            index += 1
        model = adapted.unload()


def _ranks(adapters: str) -> list[tuple[int, int]]:
    if ":" not in adapters:
        return [(_RANK, int(adapters))]
    pairs = (part.split(":") for part in adapters.split(","))
    return [(int(rank), int(count)) for rank, count in pairs]


if __name__ == "__main__":
    write(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
