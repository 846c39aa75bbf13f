"""The shard of G7, which makes a run of steps as for our router: g7_shard.py MODEL DTYPE THREADS.

`{"adapters": [index or null, one for each sequence], "prompt": tokens, "steps": n}` runs the batch;
the answer has a list of points for each decode step, see timed_shard.py. "next" is when the next
one begins; "received", when this caller has the answer, is beside that.
"""

import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from decode_shard import ShardClient
from decode_worker import Order, serve_orders
from router_calls import RouterCalls, blocks_of, request

_WARM_STEPS = 3
_TIMED = Path(__file__).resolve().parent / "timed_shard.py"


class Caller:
    """Runs batches and reads what the shard's stopwatches said."""

    def __init__(self, client: ShardClient, stamps: Path) -> None:
        self._calls = RouterCalls(client.channel)
        self._vocabulary = client.vocabulary
        self._stamps = stamps
        self._read = 0  # lines of the file
        self._known: set[int] = set()

    def answer(self, words: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        order = Order(**words)
        for adapter in {each for each in order.adapters if each is not None} - self._known:
            self._calls.download(adapter)
            self._calls.load(adapter)
            self._known.add(adapter)
        # That of the prefill, and of one more step: the next one of the last that is told of.
        new_tokens = 2 + _WARM_STEPS + order.steps
        count = blocks_of(order.prompt + new_tokens)
        prompts = order.prompts(self._vocabulary)
        batch = self._calls.prefill(
            [
                request(row, prompt, adapter, new_tokens, 1 + row * count)
                for row, (prompt, adapter) in enumerate(zip(prompts, order.adapters, strict=True))
            ]
        ).batch
        received = [time.monotonic_ns() for _ in self._calls.run(batch)]
        told = self._told(len(received))
        steps = [
            step | {"received": when, "next": following["began"]}
            for step, when, (_, following) in zip(
                told[:-1], received[:-1], pairwise(told), strict=True
            )
        ]
        return {"steps": steps[_WARM_STEPS:]}

    def _told(self, count: int) -> list[dict[str, int]]:
        lines = self._stamps.read_text().splitlines()[self._read :]
        self._read += len(lines)
        if len(lines) != count:
            raise RuntimeError(f"the shard told of {len(lines)} steps, {count} were made")
        return [json.loads(line) for line in lines]


def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="lorax-bench-") as folder:
        stamps = Path(folder) / "stamps"
        program = [str(_TIMED), str(stamps)]
        client = ShardClient(
            Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(folder), program=program
        )
        try:
            serve_orders(Caller(client, stamps).answer)
        finally:
            client.stop()


if __name__ == "__main__":
    _main()
