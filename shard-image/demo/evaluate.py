"""Check the adapters against the held-out prompts and the showcase.

    python evaluate.py MODEL_DIRECTORY [--adapter ADAPTER]

answers greedily in float32 with transformers and PEFT, prints every answer, and exits with 1 when
one of them is not as expected.
"""

import argparse
import contextlib
from collections import Counter
from pathlib import Path

import torch
from peft import PeftModel
from transformers import PreTrainedTokenizerBase as Tokenizer

from chat import answer, load_base
from held_out import BASE, DIRECTORY, Check, held_out_checks, showcase_checks


def load_adapters(directory: Path, adapters: list[str]) -> tuple[PeftModel, Tokenizer]:
    """Load the base model in float32 with the named adapters beside it."""
    base, tokenizer = load_base(directory)
    first, *others = adapters
    model = PeftModel.from_pretrained(base, DIRECTORY / "adapters" / first, adapter_name=first)
    for adapter in others:
        model.load_adapter(DIRECTORY / "adapters" / adapter, adapter_name=adapter)
    return model.eval(), tokenizer


def answer_check(model: PeftModel, tokenizer: Tokenizer, check: Check) -> str:
    """Answer one check's prompt with its adapter, or with the base model alone."""
    if check.adapter == BASE:
        choice: contextlib.AbstractContextManager[None] = model.disable_adapter()
    else:
        model.set_adapter(check.adapter)
        choice = contextlib.nullcontext()
    with choice:
        return answer(model, tokenizer, check.prompt, check.max_new_tokens)


def main() -> None:
    """Answer every prompt, print what came, and count."""
    checks = showcase_checks() + held_out_checks()
    names = sorted({check.adapter for check in checks} - {BASE})
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", type=Path, help="base model, a directory with config.json")
    parser.add_argument(
        "--adapter", choices=names, help="check this adapter alone (default: all and the base)"
    )
    parser.add_argument("--threads", type=int, default=1, help="torch threads (default 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.adapter:
        checks = [check for check in checks if check.adapter == arguments.adapter]
        names = [arguments.adapter]
    model, tokenizer = load_adapters(arguments.model, names)
    passed: Counter[str] = Counter()
    for check in checks:
        text = answer_check(model, tokenizer, check)
        met = check.expect.is_met_by(text)
        passed[check.adapter] += met
        print(f"{'pass' if met else 'FAIL'} {check.adapter}: {check.prompt}\n     {text}")
    total = Counter(check.adapter for check in checks)
    print(", ".join(f"{name} {passed[name]}/{total[name]}" for name in total))
    if passed != total:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
