"""One user message in, one greedy answer out, through transformers."""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers import PreTrainedTokenizerBase as Tokenizer


def load_base(
    directory: Path, dtype: torch.dtype = torch.float32
) -> tuple[PreTrainedModel, Tokenizer]:
    """Load the base model and its tokenizer from a directory in Hugging Face layout."""
    if not (directory / "config.json").is_file():
        raise SystemExit(f"no model in {directory}: expected a directory with config.json")
    tokenizer = AutoTokenizer.from_pretrained(directory)
    return AutoModelForCausalLM.from_pretrained(directory, dtype=dtype), tokenizer


def render(tokenizer: Tokenizer, message: str) -> str:
    """Render one user message as the raw prompt that ends where the answer begins."""
    chat = [{"role": "user", "content": message}]
    rendered = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    return str(rendered)


def token_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Encode text that carries its special tokens already."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def answer(model: PeftModel, tokenizer: Tokenizer, message: str, max_new_tokens: int) -> str:
    """Answer one user message greedily; special tokens are left out of the answer."""
    prompt = torch.tensor([token_ids(tokenizer, render(tokenizer, message))])
    with torch.inference_mode():
        output = model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=max_new_tokens,
            do_sample=False,
        )
    return str(tokenizer.decode(output[0, prompt.shape[1] :], skip_special_tokens=True))
