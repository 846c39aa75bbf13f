"""The shard of G5 with running streams, driven as a router does it.

g5_shard.py MODEL DTYPE THREADS.

`{"order": "first tokens", "adapters": [number, ...], "prompt": tokens}` asks for a token with each
adapter twice: when it lies on disk alone, and then when it is loaded.
`{"order": "gaps", "steps": n, "loads": bool}` makes decode steps of the streams, with adapters
coming and going all the time or none at all.
"""

import itertools
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from decode_shard import ShardClient, serve_shard
from decode_worker import Order
from router_calls import Stepped, blocks_of, dealt, request

STREAMS = 16
# The adapters of the streams; those above come and go.
_RUNNING = 8
_PLACES = 4  # of those that come and go
_COMING = range(_RUNNING, 32)
_STREAM_PROMPT, _STREAM_TOKENS = 16, 600
_REQUEST = STREAMS  # the id of a request beside the streams
_WARM_STEPS = 3


@dataclass
class Waited:
    """How a request came to its first token."""

    seconds: float
    token: int
    steps: int = 0  # of the streams, between its arrival and the one that it joins
    moves: dict[str, float] = field(default_factory=dict)  # seconds of each


class Streams:
    """Streams that decode without end, and the turns of a router between their steps."""

    def __init__(self, client: ShardClient) -> None:
        self._calls = client.calls
        self._vocabulary = client.vocabulary
        self._batch: Any = None
        self._step_s = 0.0
        self._beside = ThreadPoolExecutor(max_workers=1)
        for adapter in range(_RUNNING):
            self._calls.bring(adapter)
        # As many slots as there are ever adapters, and all files in the page cache.
        for adapter in _COMING:
            self._calls.bring(adapter)
            if adapter - _PLACES in _COMING:
                self._calls.offload(adapter - _PLACES)
        for adapter in _COMING[-_PLACES:]:
            self._calls.offload(adapter)

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        """See the module."""
        self._begin()
        try:
            if order["order"] == "gaps":
                return self._gaps(order["steps"], order["loads"])
            return self._first_tokens(order["adapters"], order["prompt"])
        finally:
            self._calls.clear()

    def _first_tokens(self, adapters: list[int], prompt: int) -> dict[str, Any]:
        waited: dict[str, list[dict[str, Any]]] = {"cold": [], "warm": []}
        for place, adapter in enumerate(adapters):
            # Where in a running step a request arrives decides how long it waits.
            phase = (place + 0.5) / len(adapters)
            for side, requests in waited.items():
                requests.append(vars(self._first_token(adapter, prompt, phase, side == "cold")))
            self._calls.offload(adapter)
        return {**waited, "step_s": self._step_s}

    def _first_token(self, adapter: int, prompt: int, phase: float, cold: bool) -> Waited:
        """A request that arrives while a step runs.

        The router hears of it at once and has its adapter moved; between two steps, where the
        adapter is there, the request joins the streams.
        """
        arrival = time.monotonic() + phase * self._step_s
        waited = Waited(0.0, 0)
        moving = self._beside.submit(self._move, adapter, arrival) if cold else None
        while True:
            self._decode()
            if time.monotonic() < arrival:
                continue
            if moving is None or moving.done():
                break
            waited.steps += 1
        if moving is not None:
            waited.moves = moving.result()
        (ids,) = Order([adapter], prompt, 0).prompts(self._vocabulary)
        first_block = 1 + STREAMS * blocks_of(_STREAM_PROMPT + _STREAM_TOKENS)
        stepped = self._calls.prefill(
            [request(_REQUEST, ids, adapter, 1, first_block)], self._batch
        )
        waited.seconds = time.monotonic() - arrival
        (waited.token,) = stepped.tokens[_REQUEST]
        self._batch = stepped.batch
        return waited

    def _move(self, adapter: int, arrival: float) -> dict[str, float]:
        time.sleep(max(0.0, arrival - time.monotonic()))
        took = {}
        for name, move in (("download", self._calls.download), ("load", self._calls.load)):
            begin = time.monotonic()
            move(adapter)
            took[name] = time.monotonic() - begin
        return took

    def _gaps(self, steps: int, loads: bool) -> dict[str, Any]:
        going, stop = threading.Event(), threading.Event()
        moving = self._beside.submit(self._come_and_go, going, stop) if loads else None
        while moving is not None and not moving.done() and not going.wait(0.01):
            pass
        self._decode()
        tokens, ends = [], [time.monotonic()]
        for _ in range(steps):
            tokens.append([token for _, (token,) in sorted(self._decode().tokens.items())])
            ends.append(time.monotonic())
        stop.set()
        gaps = [after - before for before, after in itertools.pairwise(ends)]
        loaded = 0 if moving is None else moving.result()
        return {"gaps": gaps, "tokens": tokens, "loads": loaded}

    def _come_and_go(self, going: threading.Event, stop: threading.Event) -> int:
        """One load after another, each in the place of one that leaves; how many there were.

        going: set when the first is there.
        """
        here: list[int] = []
        loaded = 0
        for adapter in itertools.cycle(_COMING):
            if stop.is_set():
                break
            if len(here) == _PLACES:
                self._calls.offload(here.pop(0))
            self._calls.bring(adapter)
            here.append(adapter)
            loaded += 1
            going.set()
        for adapter in here:
            self._calls.offload(adapter)
        return loaded

    def _begin(self) -> None:
        order = Order([row % _RUNNING for row in range(STREAMS)], _STREAM_PROMPT, 0)
        self._batch = self._calls.prefill(dealt(order, self._vocabulary, _STREAM_TOKENS)).batch
        times = []
        for _ in range(_WARM_STEPS):
            begin = time.monotonic()
            self._decode()
            times.append(time.monotonic() - begin)
        self._step_s = statistics.median(times)

    def _decode(self) -> Stepped:
        stepped = self._calls.decode(self._batch)
        self._batch = stepped.batch
        return stepped


if __name__ == "__main__":
    serve_shard(lambda client: Streams(client).answer)
