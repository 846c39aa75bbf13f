"""The shard of the sweep, driven as a router does it: sweep_shard.py MODEL DTYPE THREADS.

`{"adapters": [index, one for each sequence], "prompt": tokens, "windows": n, "steps": k}` prefills
a batch with these adapters and one without, and has each make k steps in turn, n times; the answer
has the tokens and CPU seconds of each window.
"""

from typing import Any

from decode_shard import ShardClient, serve_shard
from decode_worker import Order
from router_calls import dealt


class Windows:
    """Two batches of one shard."""

    def __init__(self, client: ShardClient) -> None:
        self._client = client

    def answer(self, words: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        adapters: list[int] = words["adapters"]
        self._client.hold(adapters)
        windows, steps = words["windows"], words["steps"]
        # One window is not measured.
        new_tokens = 2 + (windows + 1) * steps
        orders = [Order([*each], words["prompt"], 0) for each in (adapters, [None] * len(adapters))]
        batches = [
            self._client.calls.prefill(
                dealt(order, self._client.vocabulary, new_tokens, number * len(adapters))
            ).batch
            for number, order in enumerate(orders)
        ]
        seen: list[list[dict[str, float]]] = [[], []]
        for _ in range(windows + 1):
            for place, batch in enumerate(batches):
                batches[place], window = self._window(batch, steps)
                seen[place].append(window)
        self._client.calls.clear()
        return {"adapted": seen[0][1:], "base": seen[1][1:]}

    def _window(self, batch: Any, steps: int) -> tuple[Any, dict[str, float]]:
        begin, tokens = self._client.cpu_seconds(), 0
        for _ in range(steps):
            stepped = self._client.calls.decode(batch)
            batch, tokens = stepped.batch, tokens + len(stepped.tokens)
        return batch, {"tokens": tokens, "cpu_s": self._client.cpu_seconds() - begin}


if __name__ == "__main__":
    serve_shard(lambda client: Windows(client).answer)
