"""Decoding with --speculative-tokens against decoding without, in tokens for each CPU-second.

    PYTHONPATH=shard-image/src python bench/speculation.py MODEL 4

MODEL is the demo's, SmolLM2-135M-Instruct. Two shards of one thread each, in turn, in bfloat16. Two
kinds of text: one that is to be repeated, greedy, and stories, drawn at temperature 1, of which
hardly anything can be foretold. Void if the answers differ.
"""

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from decode_shard import ShardClient
from ratios import FEWEST_PAIRS, Pair, ratio_row
from tokenizers import Tokenizer

_NEW_TOKENS = 40
_WORDS = ("name", "city", "price", "colour", "weight", "owner", "title", "status")


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("tokens", type=int, help="as the shard's --speculative-tokens")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 4, 8, 16, 32])
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    arguments = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(arguments.model / "tokenizer.json"))
    with ExitStack() as stack:
        sides = []
        for options in ([f"--speculative-tokens={arguments.tokens}"], []):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lorax-bench-")))
            # No bound here: where it should lie is what this is to tell.
            client = ShardClient(
                arguments.model, "bfloat16", "1", folder, options,
                {"LORAX_SPECULATION_MAX_BATCH_SIZE": "1000"},
            )  # fmt: skip
            stack.callback(client.stop)
            sides.append(client)
        for rows in arguments.rows:
            for kind, parameters in (("repeat", {}), ("story", {"do_sample": True, "seed": 1})):
                prompts = [
                    tokenizer.encode(_chat(kind, row), add_special_tokens=False).ids
                    for row in range(rows)
                ]
                _compare(f"{kind}, {rows} sequences", sides, prompts, parameters, arguments.pairs)


def _compare(
    case: str,
    sides: list[ShardClient],
    prompts: list[list[int]],
    parameters: dict[str, Any],
    count: int,
) -> None:
    pairs, steps = [], [0, 0]
    for _ in range(count):
        measured = [client.complete(prompts, _NEW_TOKENS, parameters) for client in sides]
        if measured[0].tokens != measured[1].tokens:
            raise SystemExit(f"{case}: void, the answers differ")
        steps = [each.steps for each in measured]
        decoded = len(prompts) * (_NEW_TOKENS - 1)
        pairs.append(Pair(decoded / measured[0].cpu_s, decoded / measured[1].cpu_s))
    row = ratio_row(case, pairs, "tokens/CPU-s")
    print(
        f"{row.case}: {row.ratio.median:.2f} [{row.ratio.low:.2f}, {row.ratio.high:.2f}], "
        f"{row.ours:.1f} and {row.peer:.1f} {row.unit}, {steps[0]} and {steps[1]} steps",
        flush=True,
    )


def _chat(kind: str, row: int) -> str:
    """A question in the form of the demo's template; another one for each row."""
    first, second, third = (_WORDS[(row // 8 + row * step) % 8] for step in (1, 3, 5))
    text = (
        f"The {first} of house {row} by the river was known to all. Nobody had asked for its "
        f"{second} in years, and the {third} was lost when the bridge fell in the spring."
    )
    question = {
        "repeat": f"Repeat this text word for word: {text}",
        "story": f"Write a story about a {first}, a {second} and a {third} on planet {row}.",
    }[kind]
    return f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n"


if __name__ == "__main__":
    _main()
