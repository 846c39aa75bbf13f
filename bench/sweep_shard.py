"""The shard of the sweep, driven as a router does it: sweep_shard.py MODEL DTYPE THREADS.

`{"adapters": [index, one for each sequence], "prompt": tokens, "windows": n, "steps": k}` prefills
a batch with these adapters and one without, and has each make k steps in turn, n times; the answer
has the tokens and CPU seconds of each window.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from decode_shard import ShardClient
from decode_worker import Order, serve_orders
from router_calls import RouterCalls, blocks_of, request


class Windows:
    """Two batches of one shard."""

    def __init__(self, client: ShardClient) -> None:
        self._client = client
        self._calls = RouterCalls(client.channel)
        self._known: set[int] = set()

    def answer(self, words: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        adapters: list[int] = words["adapters"]
        for adapter in sorted(set(adapters) - self._known):
            self._calls.download(adapter)
            self._calls.load(adapter)
            self._known.add(adapter)
        windows, steps = words["windows"], words["steps"]
        # One window is not measured.
        new_tokens = 2 + (windows + 1) * steps
        sides: tuple[list[int | None], ...] = ([*adapters], [None] * len(adapters))
        batches = [
            self._prefill(dealt, words["prompt"], new_tokens, number)
            for number, dealt in enumerate(sides)
        ]
        seen: list[list[dict[str, float]]] = [[], []]
        for _ in range(windows + 1):
            for place, batch in enumerate(batches):
                batches[place], window = self._window(batch, steps)
                seen[place].append(window)
        self._calls.clear()
        return {"adapted": seen[0][1:], "base": seen[1][1:]}

    def _prefill(self, dealt: list[int | None], prompt: int, new_tokens: int, number: int) -> Any:
        order = Order(dealt, prompt, 0)
        count = blocks_of(prompt + new_tokens)
        first = number * len(dealt)
        requests = [
            request(first + row, ids, adapter, new_tokens, 1 + (first + row) * count)
            for row, (ids, adapter) in enumerate(
                zip(order.prompts(self._client.vocabulary), dealt, strict=True)
            )
        ]
        return self._calls.prefill(requests).batch

    def _window(self, batch: Any, steps: int) -> tuple[Any, dict[str, float]]:
        begin, tokens = self._client.cpu_seconds(), 0
        for _ in range(steps):
            stepped = self._calls.decode(batch)
            batch, tokens = stepped.batch, tokens + len(stepped.tokens)
        return batch, {"tokens": tokens, "cpu_s": self._client.cpu_seconds() - begin}


def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="lorax-bench-") as folder:
        client = ShardClient(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(folder))
        try:
            serve_orders(Windows(client).answer)
        finally:
            client.stop()


if __name__ == "__main__":
    _main()
