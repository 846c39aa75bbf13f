"""A flame graph of the shard while it decodes: flame.py MODEL PLOT.svg [SECONDS].

32 sequences with 32 adapters of a model as decode_model.py makes it. py-spy must be on the PATH
(`pip install py-spy`), and allowed to look at processes of the same user.
"""

import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from decode_shard import ShardClient
from decode_worker import Order

_BATCH = 32
_PROMPT = 64
_STEPS = 300  # of a run, beside which its prompts take little; as many runs as the seconds need
_RATE = 200  # looks in a second


def draw(model: Path, plot: Path, seconds: int) -> None:
    """Looks at it for so long, once it is warm."""
    with tempfile.TemporaryDirectory(prefix="lorax-bench-") as folder:
        shard = ShardClient(model, "bfloat16", "2", Path(folder))
        try:
            order = Order([*range(_BATCH)], _PROMPT, _STEPS)
            shard.run(order)
            seen = threading.Event()

            def decode() -> None:
                while not seen.is_set():
                    shard.run(order)

            decoding = threading.Thread(target=decode)
            decoding.start()
            try:
                subprocess.run(
                    [
                        "py-spy", "record", "--pid", str(shard.process_id), "--output", str(plot),
                        "--duration", str(seconds), "--rate", str(_RATE), "--function",
                    ],
                    check=True,
                )  # fmt: skip
            finally:
                seen.set()
                decoding.join()
        finally:
            shard.stop()


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 20)
