"""What the launcher makes of a GGUF file, against what transformers makes of the same file.

Needs LORAX_DEMO_GGUF (the file) and LORAX_DEMO_MODEL (the directory that the launcher made of it).
"""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

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


def test_token_ids_equal_those_of_transformers(gguf: Path, converted: Path) -> None:
    """Encoding agrees on scripts, spaces, digits, code and special tokens."""
    reference = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    ours = Tokenizer.from_file(str(converted / "tokenizer.json"))

    for text in TEXTS:
        expected = reference.encode(text, add_special_tokens=False)
        assert ours.encode(text, add_special_tokens=False).ids == expected, text


def test_chat_template_renders_as_the_file_says(gguf: Path, converted: Path) -> None:
    """The chat template survives, and so do the tokens that it names."""
    chat = [{"role": "user", "content": "Who are you?"}]
    reference = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    ours = AutoTokenizer.from_pretrained(converted)

    rendered = ours.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)

    assert rendered == reference.apply_chat_template(
        chat, tokenize=False, add_generation_prompt=True
    )
    assert json.loads((converted / "config.json").read_text())["architectures"] == [
        "LlamaForCausalLM"
    ]
