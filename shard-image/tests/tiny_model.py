"""A random model of the Llama family small enough to run anywhere, and random adapters for it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

CORPUS = [
    "the quick brown fox jumps over the lazy dog and runs away from the hungry wolf",
    "a shard serves one base model and many adapters, every request names its own",
    "größe, naïve, 日本語, 🦙 and other characters take more than one byte",
]
CHAT_TEMPLATE = (
    "{%- if tools %}\n  {{- '<s>tools ' + tools | tojson(indent=2) + '</s>' }}\n{%- endif %}\n"
    "{% for message in messages %}\n"
    "  {%- if message.role == 'system' and not loop.first %}\n"
    "    {{ raise_exception('system must come first') }}\n  {%- endif %}\n"
    "  {%- if message.content is none %}{% continue %}{% endif %}\n"
    "{{ bos_token + message.role + '\\n' }}{% generation %}{{ message.content | trim }}"
    "{% endgeneration %}{{ eos_token }}\n"
    "{% endfor %}\n"
    "{% if add_generation_prompt %}{{ bos_token }}assistant\n{% endif %}"
)
ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# One adapter for each way in which adapters differ.
ADAPTERS = {
    "every-module": {"r": 8, "lora_alpha": 16, "target_modules": ALL},
    "attention": {"r": 4, "lora_alpha": 12, "target_modules": ["q_proj", "v_proj"]},
    "stabilised": {"r": 16, "lora_alpha": 8, "target_modules": ALL, "use_rslora": True},
    "patterned": {
        "r": 4,
        "lora_alpha": 8,
        "target_modules": ALL,
        "rank_pattern": {"o_proj": 12, r"layers\.1\.mlp\.up_proj": 2},
        "alpha_pattern": {"down_proj": 24},
    },
    "one-layer": {"r": 8, "lora_alpha": 16, "target_modules": ALL, "layers_to_transform": [1]},
    "head": {"r": 4, "lora_alpha": 8, "target_modules": ["o_proj", "lm_head"]},
}


@dataclass(frozen=True)
class TinyModel:
    """A model directory and the directories of its adapters, by id."""

    directory: Path
    adapter_root: Path

    def reference(self, adapter: str | None):
        """The model as transformers, and PEFT where there is an adapter, run it."""
        model = AutoModelForCausalLM.from_pretrained(self.directory, dtype=torch.float32)
        if adapter is not None:
            model = PeftModel.from_pretrained(model, self.adapter_root / adapter)
        return model.eval()

    def tokenizer(self) -> PreTrainedTokenizerFast:
        return PreTrainedTokenizerFast.from_pretrained(self.directory)


def write_tokenizer(directory: Path) -> int:
    """A byte-level tokenizer, so that tokens can end inside a character. Returns its size."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=["<unk>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(directory)
    return len(fast)


def write_model(directory: Path, config_class=LlamaConfig, **changes) -> None:
    """A model of any class of the family. Wide weights keep the best token far from the second."""
    vocab_size = write_tokenizer(directory)
    settings = {
        "vocab_size": vocab_size,
        "hidden_size": 72,
        "intermediate_size": 100,
        "num_hidden_layers": 3,
        # The proportions of SmolLM2: neither heads nor key-value heads divide by two.
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "max_position_embeddings": 512,
        "initializer_range": 0.2,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": True,
    }
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config_class(**settings | changes))
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(directory)


def write_tiny_model(root: Path, **changes) -> TinyModel:
    """The model that most tests use."""
    tiny = TinyModel(root / "tiny", root / "adapters")
    write_model(tiny.directory, tie_word_embeddings=False, **changes)
    for seed, (name, settings) in enumerate(ADAPTERS.items()):
        write_adapter(tiny, name, seed, **settings)
    return tiny


def write_forgetful_model(root: Path, **changes) -> TinyModel:
    """The same, but it soon repeats itself, because it hardly looks beyond the last token."""
    forgetful = write_tiny_model(root, **changes)
    files = forgetful.adapter_root.glob("*/adapter_model.safetensors")
    for path in [forgetful.directory / "model.safetensors", *files]:
        weights = load_file(path)
        for name, tensor in weights.items():
            if "o_proj" in name and "lora_A" not in name:
                tensor *= 0.003
        save_file(weights, path, {"format": "pt"})
    return forgetful


def write_adapter(tiny: TinyModel, name: str, seed: int = 0, **settings) -> Path:
    """An adapter whose B is random too: PEFT's default of zero would change nothing."""
    torch.manual_seed(100 + seed)
    base = LlamaForCausalLM.from_pretrained(tiny.directory)
    config = LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **settings)
    model = get_peft_model(base, config)
    for parameter_name, parameter in model.named_parameters():
        if "lora_" in parameter_name:
            torch.nn.init.normal_(parameter, std=0.15)
    model.save_pretrained(tiny.adapter_root / name)
    return tiny.adapter_root / name
