"""What the launcher makes of a GGUF file, against what transformers makes of the same file.

Needs LORAX_DEMO_GGUF (the file) and LORAX_DEMO_MODEL (the directory that the launcher made of it).
"""

import json
import os
from pathlib import Path

import pytest
import torch
from gguf import GGUFReader
from safetensors.torch import load_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer

# Token type of special tokens in a GGUF file.
CONTROL = 3

TEXTS = [
    "Hello, world!",
    "  two leading spaces, two trailing  ",
    "a\n\n\nb\t\tc\r\nd",
    "1234567890 3.14159 1,000,000 0x1F",
    "naïve café Übergröße 東京 Москва עברית हिन्दी",
    "👩‍👩‍👧 🇫🇷 e\u0301",
    "def f(x):\n    return {'a': [x ** 2, x != 3]}  # comment\n",
    "SELECT name FROM users WHERE age >= 21;",
    "<|im_start|>user\nhi<|im_end|>\n",
    "can't won't I'll THEY'RE",
    "\u00a0\u2003\u200b|",
    "",
]


@pytest.fixture(scope="module")
def gguf() -> Path:
    """The GGUF file."""
    return Path(os.environ["LORAX_DEMO_GGUF"])


@pytest.fixture(scope="module")
def converted() -> Path:
    """The directory that the launcher made of it."""
    return Path(os.environ["LORAX_DEMO_MODEL"])


def test_every_weight_equals_transformers_bit_for_bit(gguf: Path, converted: Path) -> None:
    """The same names, shapes and values in fp32."""
    reference = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    loaded = AutoModelForCausalLM.from_pretrained(converted, dtype=torch.float32)

    expected, got = reference.state_dict(), loaded.state_dict()

    assert expected.keys() == got.keys()
    different = [name for name in expected if not torch.equal(expected[name], got[name])]
    assert different == []
    assert len(load_file(converted / "model.safetensors")) > 200


@pytest.fixture(scope="module")
def reference_tokenizer(gguf: Path) -> Tokenizer:
    """SmolLM2's tokenizer of the file's own vocabulary and merges.

    Put together here because transformers 4.57 reads this file's tokenizer wrongly: it splits no
    digits and takes `<|im_start|>` for the end of a text.
    """
    fields = GGUFReader(gguf).fields
    tokens: list[str] = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(pair.split(" ")) for pair in fields["tokenizer.ggml.merges"].contents()]
    types: list[int] = fields["tokenizer.ggml.token_type"].contents()
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, types, strict=True) if kind == CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special])
    return tokenizer


def test_token_ids_equal_those_of_the_model(
    reference_tokenizer: Tokenizer, converted: Path
) -> None:
    """Encoding and decoding agree on scripts, spaces, digits, code and special tokens."""
    ours = Tokenizer.from_file(str(converted / "tokenizer.json"))

    for text in TEXTS:
        expected = reference_tokenizer.encode(text, add_special_tokens=False).ids
        assert ours.encode(text, add_special_tokens=False).ids == expected, text
        assert ours.decode(expected) == reference_tokenizer.decode(expected), text


def test_chat_template_renders_as_the_file_says(gguf: Path, converted: Path) -> None:
    """The chat template survives, and so do the tokens that it names."""
    chat = [{"role": "user", "content": "Who are you?"}]
    template = GGUFReader(gguf).fields["tokenizer.chat_template"].contents()
    ours = AutoTokenizer.from_pretrained(converted)

    rendered = ours.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)

    assert ours.chat_template == template
    assert rendered.endswith("<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n")
    assert ours.eos_token == "<|im_end|>"
    assert json.loads((converted / "config.json").read_text())["architectures"] == [
        "LlamaForCausalLM"
    ]
