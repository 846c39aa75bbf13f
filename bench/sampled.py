"""What it costs to choose tokens otherwise than greedily: milliseconds of a decode step.

    python bench/decode_model.py 0.5b 1 /tmp/0.5b        # once: a random model of this shape
    PYTHONPATH=shard-image/src python bench/sampled.py /tmp/0.5b

A shard with two threads; each line is the fastest of three batches.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from decode_shard import ShardClient
from decode_worker import Order

_PROMPT = 32
_TOKENS = 17
_ROUNDS = 3
_WARM = {"do_sample": True, "temperature": 0.7, "seed": 1}
_SETTINGS: dict[str, dict[str, Any]] = {
    "greedy": {},
    "temperature": _WARM,
    "top_p 0.9": _WARM | {"top_p": 0.9},
    "top_k 50": _WARM | {"top_k": 50},
    "typical_p 0.9": _WARM | {"typical_p": 0.9},
    "repetition_penalty 1.1": {"repetition_penalty": 1.1},
}


def _main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", type=int, default=32)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lorax-bench-") as name:
        client = ShardClient(arguments.model, "bfloat16", "2", Path(name))
        prompts = Order([None] * arguments.rows, _PROMPT, 0).prompts(client.vocabulary)
        for case, parameters in _SETTINGS.items():
            print(f"{case}: {_milliseconds(client, prompts, parameters)}", flush=True)
        client.stop()


def _milliseconds(client: ShardClient, prompts: list[list[int]], parameters: dict[str, Any]) -> str:
    steps = []
    for _ in range(_ROUNDS):
        measured = client.complete(prompts, _TOKENS, parameters)
        client.calls.clear()
        steps.append(
            (1000 * measured.wall_s / measured.steps, 1000 * measured.cpu_s / measured.steps)
        )
    wall, cpu = min(steps)
    return f"{wall:.0f} ms a step, {cpu:.0f} of CPU"


if __name__ == "__main__":
    _main()
