"""Decoding by transformers in the shard against our own decoder, in tokens for each CPU-second.

    PYTHONPATH=shard-image/src python bench/foreign.py MODEL_DIR   # of a Llama

A Llama is a Granite whose multipliers do nothing, and Granite is not ours: the same weights are
served twice, by two shards of one thread each, in turn.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path

from decode_shard import ShardClient
from decode_worker import Order
from ratios import FEWEST_PAIRS, Pair, ratio_row

_PROMPT = 32
_STEPS = 8


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, help="directory of a Llama")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        granite = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="granite-")))
        _write_granite(arguments.model, granite)
        sides = []
        for model in (granite, arguments.model):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lorax-bench-")))
            client = ShardClient(model, arguments.dtype, "1", folder)
            stack.callback(client.stop)
            sides.append(client)
        for rows in arguments.rows:
            _compare(sides, rows, arguments.pairs)
        for name, client in zip(("transformers", "ours"), sides, strict=True):
            kept, most = client.memory_mib("RssAnon"), client.memory_mib("VmHWM")
            print(f"{name}: {kept:.0f} MiB, and at most {most:.0f} with the file it was read from")


def _write_granite(llama: Path, granite: Path) -> None:
    config = json.loads((llama / "config.json").read_text())
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    config |= {
        "model_type": "granite",
        "architectures": ["GraniteForCausalLM"],
        "attention_multiplier": head_dim**-0.5,
        "embedding_multiplier": 1.0,
        "residual_multiplier": 1.0,
        "logits_scaling": 1.0,
    }
    (granite / "config.json").write_text(json.dumps(config))
    for file in llama.iterdir():
        if file.name != "config.json":
            (granite / file.name).symlink_to(file.resolve())


def _compare(sides: list[ShardClient], rows: int, count: int) -> None:
    foreign, ours = sides
    order = Order([None] * rows, _PROMPT, _STEPS)
    for client in sides:
        client.run(Order([None] * rows, _PROMPT, 1))
    pairs = [Pair(_speed(foreign, order), _speed(ours, order)) for _ in range(count)]
    row = ratio_row(f"{rows} sequences", pairs, "tokens/CPU-s")
    print(
        f"{row.case}: {row.ratio.median:.2f} [{row.ratio.low:.2f}, {row.ratio.high:.2f}], "
        f"{row.ours:.1f} and {row.peer:.1f} {row.unit}",
        flush=True,
    )


def _speed(client: ShardClient, order: Order) -> float:
    return len(order.adapters) * order.steps / client.run(order).cpu_s


if __name__ == "__main__":
    _main()
