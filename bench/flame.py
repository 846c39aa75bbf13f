"""The calls of the shard while it decodes, as flame_plot.py draws them: flame.py MODEL STACKS.txt.

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
_SECONDS, _RATE = 20, 200  # looks in a second


def look(model: Path, stacks: Path) -> None:
    """Looks at it once it is warm."""
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
                        "py-spy", "record", "--pid", str(shard.process_id),
                        "--format", "raw", "--output", str(stacks), "--function",
                        "--duration", str(_SECONDS), "--rate", str(_RATE),
                    ],
                    check=True,
                )  # fmt: skip
            finally:
                seen.set()
                decoding.join()
        finally:
            shard.stop()


if __name__ == "__main__":
    look(Path(sys.argv[1]), Path(sys.argv[2]))
