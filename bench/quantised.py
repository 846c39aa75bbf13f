"""Decoding with weights in few bits against decoding without, in tokens for each CPU-second.

    python bench/decode_model.py 0.5b 32 /tmp/0.5b       # once: a random model of this shape
    PYTHONPATH=shard-image/src python bench/quantised.py /tmp/0.5b int8
    python bench/packed_model.py /tmp/0.5b /tmp/0.5b-gptq gptq       # once: a checkpoint of GPTQ
    PYTHONPATH=shard-image/src python bench/quantised.py /tmp/0.5b /tmp/0.5b-gptq

Two shards of one thread each, in turn, with bfloat16 for whatever is not quantised. The memory is
that of each shard after its first batch, cache and code included.
"""

import argparse
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
    parser.add_argument("model", type=Path)
    parser.add_argument("quantize", help="as the shard's option, or a model that is packed")
    parser.add_argument("--rows", type=int, nargs="+", default=[1, 4, 8, 32])
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        sides = []
        packed = Path(arguments.quantize)
        first = (packed, []) if packed.is_dir() else (arguments.model, ["--quantize", str(packed)])
        for model, options in (first, (arguments.model, [])):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lorax-bench-")))
            client = ShardClient(model, "bfloat16", "1", folder, options)
            stack.callback(client.stop)
            sides.append(client)
        quantised, whole = sides
        for rows in arguments.rows:
            order = Order([None] * rows, _PROMPT, _STEPS)
            for client in sides:
                client.run(Order([None] * rows, _PROMPT, 1))
            pairs = [
                Pair(_speed(quantised, order), _speed(whole, order)) for _ in range(arguments.pairs)
            ]
            row = ratio_row(f"{rows} sequences", pairs, "tokens/CPU-s")
            print(
                f"{row.case}: {row.ratio.median:.2f} [{row.ratio.low:.2f}, {row.ratio.high:.2f}], "
                f"{row.ours:.1f} and {row.peer:.1f} {row.unit}",
                flush=True,
            )
        for name, client in ((arguments.quantize, quantised), ("without", whole)):
            kept, most = client.memory_mib("RssAnon"), client.memory_mib("VmHWM")
            print(f"{name}: {kept:.0f} MiB, and at most {most:.0f} with the file it was read from")


def _speed(client: ShardClient, order: Order) -> float:
    return len(order.adapters) * order.steps / client.run(order).cpu_s


if __name__ == "__main__":
    _main()
