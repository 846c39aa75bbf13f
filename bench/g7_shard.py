"""The shard of G7, which makes a run of steps as for our router: g7_shard.py MODEL DTYPE THREADS.

`{"adapters": [index or null, one for each sequence], "prompt": tokens, "steps": n}` runs the batch;
the answer has a list of points for each decode step, see timed_shard.py. "next" is when the next
one begins; "received", when this caller has the answer, is beside that.
"""

import json
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from decode_shard import ShardClient, serve_shard
from decode_worker import Order
from router_calls import dealt

_WARM_STEPS = 3
_TIMED = Path(__file__).resolve().parent / "timed_shard.py"


class Caller:
    """Runs batches and reads what the shard's stopwatches said."""

    def __init__(self, client: ShardClient) -> None:
        self._client = client
        self._read = 0  # lines of the file

    def answer(self, words: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        order = Order(**words)
        self._client.hold(order.adapters)
        # That of the prefill, and of one more step: the next one of the last that is told of.
        new_tokens = 2 + _WARM_STEPS + order.steps
        calls = self._client.calls
        batch = calls.prefill(dealt(order, self._client.vocabulary, new_tokens)).batch
        received = [time.monotonic_ns() for _ in calls.run(batch)]
        told = self._told(len(received))
        steps = [
            step | {"received": when, "next": following["began"]}
            for step, when, (_, following) in zip(
                told[:-1], received[:-1], pairwise(told), strict=True
            )
        ]
        return {"steps": steps[_WARM_STEPS:]}

    def _told(self, count: int) -> list[dict[str, int]]:
        lines = _stamps(self._client.folder).read_text().splitlines()[self._read :]
        self._read += len(lines)
        if len(lines) != count:
            raise RuntimeError(f"the shard told of {len(lines)} steps, {count} were made")
        return [json.loads(line) for line in lines]


def _stamps(folder: Path) -> Path:
    return folder / "stamps"


if __name__ == "__main__":
    serve_shard(
        lambda client: Caller(client).answer,
        lambda folder: [str(_TIMED), str(_stamps(folder))],
    )
