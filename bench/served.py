"""G2b and G3b: the whole server, from its launcher, under requests of many lengths.

The unit is tokens for each CPU-second of launcher, router and shard together, from the first
request to the last answer.
"""

import contextlib
import http.client
import json
import math
import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workload
from ratios import Pair, ratio_row
from replica import Replica
from side import DecodeError, Log, Outcome, Side, agreement
from side import Setting as Models
from workload import Lengths, Request

BATCH = 32
_SHAPE = "135m"
_RESIDENT, _REGISTERED = 32, 1000
_PROMPTS, _ANSWERS = Lengths(24, 0.8, 160), Lengths(16, 1.0, 128)
_ANSWER_SECONDS = 600


@dataclass(frozen=True)
class Setting:
    """The launcher with what it needs, and what the peer's worker needs."""

    launcher: Path
    environment: Mapping[str, str]
    models: Models


@dataclass(frozen=True)
class Run:
    """What came of requests: the first token of each, and the speeds."""

    tokens: int
    cpu_s: float
    first_tokens: tuple[int, ...]
    steps: float = 0.0  # where they are counted

    @property
    def per_cpu_s(self) -> float:
        """Tokens for each CPU-second."""
        return self.tokens / self.cpu_s


class Server:
    """One replica of a model on this machine."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def serve(self, requests: Sequence[Request], clients: int) -> Run:
        """Sends each when it comes, at most so many at a time."""
        answers: list[list[int]] = [[] for _ in requests]
        failures: list[str] = []
        free = threading.Semaphore(clients)

        def ask(place: int) -> None:
            try:
                answers[place] = _answer(self._replica.port, requests[place])
            except (OSError, http.client.HTTPException, DecodeError) as failure:
                failures.append(f"{type(failure).__name__}: {failure}")
            finally:
                free.release()

        steps, begin = self.steps(), self._replica.now("begin")
        threads = []
        for place, request in enumerate(requests):
            time.sleep(max(0.0, begin.wall + request.at - time.monotonic()))
            free.acquire()
            threads.append(threading.Thread(target=ask, args=[place]))
            threads[-1].start()
        for thread in threads:
            thread.join()
        end = self._replica.now("end")
        if failures:
            raise DecodeError(f"{len(failures)} requests failed, the first with {failures[0]}")
        return Run(
            sum(map(len, answers)),
            end.cpu_seconds - begin.cpu_seconds,
            tuple(each[0] for each in answers),
            self.steps() - steps,
        )

    def loads(self) -> float:
        """Adapters that have been moved onto the shards until now."""
        return self._replica.metric('lorax_adapter_move_count{move="load"}')

    def steps(self) -> float:
        """Steps that have been made until now."""
        return sum(
            self._replica.metric(f'lorax_batch_inference_count{{method="{method}"}}')
            for method in ("prefill", "decode")
        )


@contextlib.contextmanager
def _serving(setting: Setting, adapters: Path) -> Iterator[Server]:
    """A server with places for as many as are resident."""
    options = {
        "model-id": setting.models.models[_SHAPE],
        "adapter-source": "local",
        "adapter-root": adapters,
        "max-active-adapters": _RESIDENT,
        "adapter-memory-fraction": 0.3,
        "dtype": "bfloat16",
        "max-input-length": _PROMPTS.longest,
        "max-total-tokens": _PROMPTS.longest + _ANSWERS.longest,
        "max-batch-prefill-tokens": 2048,
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    replica = Replica(setting.launcher, words, setting.environment)
    try:
        replica.first_token()
        yield Server(replica)
    finally:
        replica.stop()


@contextlib.contextmanager
def _copies(model: Path, count: int) -> Iterator[Path]:
    """The model's adapters under many names, each a directory of its own."""
    sources = sorted((model / "adapters").iterdir())
    folder = model.with_name(f"{model.name}-adapters-{os.getpid()}")
    try:
        for number in range(count):
            # Bytes once on the disk and in the page cache; names of its own for the server.
            shutil.copytree(
                sources[number % len(sources)], folder / str(number), copy_function=os.link
            )
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def g2b(setting: Setting, pairs: int, log: Log) -> Outcome:
    """A thousand adapters, asked for by Zipf's law, against as many as there are places.

    Those are asked for alike, so that about as many different ones meet in a step.
    """
    resident = [1.0] * _RESIDENT
    measured, loads, rows = [], [], []
    with (
        _copies(setting.models.models[_SHAPE], _REGISTERED) as adapters,
        _serving(setting, adapters) as server,
    ):
        server.serve(_closed(0, resident), BATCH)
        for number in range(pairs):
            few = server.serve(_closed(number + 1, resident), BATCH)
            before = server.loads()
            many = server.serve(_closed(number + 1, workload.zipf(_REGISTERED)), BATCH)
            loads.append(server.loads() - before)
            rows.append((many.tokens / many.steps, few.tokens / few.steps))
            measured.append(Pair(many.per_cpu_s, few.per_cpu_s))
            log(
                f"  {many.per_cpu_s:.1f} / {few.per_cpu_s:.1f} tokens/CPU-s, "
                f"{rows[-1][0]:.1f} / {rows[-1][1]:.1f} of them in a step, {loads[-1]:.0f} loads"
            )
    case = f"{_REGISTERED} adapters in {_RESIDENT} places / {_RESIDENT} resident"
    row = ratio_row(case, measured, "tokens/CPU-s", 0.90, 0.95)
    return Outcome(
        [row],
        {
            "loads_of_a_run": statistics.median(loads),
            "tokens_of_a_step": [
                round(statistics.median(side), 1) for side in zip(*rows, strict=True)
            ],
        },
    )


def _closed(seed: int, weights: Sequence[float]) -> list[Request]:
    """As many clients as there are, each with one request after the other."""
    return workload.requests(seed, 8 * BATCH, weights, _PROMPTS, _ANSWERS, math.inf)


def g3b(setting: Setting, pairs: int, log: Log) -> Outcome:
    """Poisson arrivals with heavy tails against batches of transformers with PEFT."""
    adapters = setting.models.models[_SHAPE] / "adapters"
    weights = [1.0] * _RESIDENT
    measured, same = [], []
    with (
        _serving(setting, adapters) as server,
        Side(
            "served_peer.py", setting.models.models[_SHAPE], "bfloat16", setting.models, "2"
        ) as peer,
    ):
        server.serve(_closed(0, weights), BATCH)
        for number in range(pairs):
            # Sixteen come in a second, which is more than are served in one.
            asked = workload.requests(number + 1, 4 * BATCH, weights, _PROMPTS, _ANSWERS, 16.0)
            ours = server.serve(asked, len(asked))
            theirs = _batch(peer, asked[:BATCH])
            same.append(
                agreement(f"pair {number + 1}", ours.first_tokens[:BATCH], theirs.first_tokens)
            )
            measured.append(Pair(ours.per_cpu_s, theirs.per_cpu_s))
            log(f"  {ours.per_cpu_s:.1f} / {theirs.per_cpu_s:.2f} tokens/CPU-s")
    case = f"{_RESIDENT} adapters, heavy tails: the server / transformers with PEFT"
    row = ratio_row(case, measured, "tokens/CPU-s", 8.0, 15.0)
    return Outcome([row], {"same_first_tokens": min(same)})


def _batch(peer: Side, requests: Sequence[Request]) -> Run:
    """Those that came first, in one batch until the longest of them ends: there is no other way."""
    answer = peer.ask({"requests": [request.words() for request in requests]})
    firsts = tuple(answer["first_tokens"])
    return Run(sum(r.new_tokens for r in requests), answer["cpu_s"], firsts)


def _answer(port: int, request: Request) -> list[int]:
    """The tokens of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    body = {
        "inputs": request.prompt,
        "parameters": {
            "max_new_tokens": request.new_tokens,
            "ignore_eos_token": True,
            "details": True,
            "adapter_id": str(request.adapter),
            "adapter_source": "local",
        },
    }
    try:
        connection.request(
            "POST", "/generate", json.dumps(body), {"content-type": "application/json"}
        )
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise DecodeError(f"status {response.status}: {content.decode()}")
    details: dict[str, Any] = json.loads(content)["details"]
    tokens = [int(token["id"]) for token in details["tokens"]]
    if len(tokens) != request.new_tokens:
        raise DecodeError(f"expected {request.new_tokens} tokens, got {len(tokens)}")
    return tokens


GOALS: dict[str, Callable[[Setting, int, Log], Outcome]] = {"g2b": g2b, "g3b": g3b}
