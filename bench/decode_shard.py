"""Our side of a decode benchmark: a shard process, driven over its socket as a router does it.

decode_shard.py MODEL DTYPE THREADS. CPU time is that of the shard, not of this client.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import grpc  # type: ignore[import-untyped]
import process_tree
from decode_worker import Measured, Order, serve_orders
from lorax_shard.pb import generate_pb2 as pb  # type: ignore[import-not-found]
from lorax_shard.pb import generate_pb2_grpc
from router_calls import RouterCalls, blocks_of, dealt

_START_SECONDS = 120
_SHARD = ("-m", "lorax_shard.cli")


class ShardClient:
    """One shard process with the adapters of its model, loaded when they first appear."""

    def __init__(
        self,
        directory: Path,
        dtype: str,
        threads: str,
        folder: Path,
        options: Sequence[str] = (),
        environment: Mapping[str, str] = MappingProxyType({}),
        program: Sequence[str] = _SHARD,
    ) -> None:
        """folder: a new one, for the socket; options: of lorax-server serve, besides.

        program: what the interpreter runs, with the command line of lorax-server.
        """
        socket = folder / "shard"
        words = [*program, "serve", str(directory), "--dtype", dtype]
        words += ["--device", "cpu", "--uds-path", str(socket), "--logger-level", "ERROR", *options]
        self._process = subprocess.Popen(
            [sys.executable, *words],
            stdout=sys.stderr,
            env=os.environ
            | {
                "LORAX_ADAPTER_ROOTS": str(directory / "adapters"),
                "ADAPTER_MEMORY_FRACTION": "0.3",
                "OMP_NUM_THREADS": threads,
                **environment,
            },
        )
        self.channel = grpc.insecure_channel(f"unix:{socket}-0")
        grpc.channel_ready_future(self.channel).result(timeout=_START_SECONDS)
        self._stub = generate_pb2_grpc.LoraxServiceStub(self.channel)
        self.vocabulary = int(json.loads((directory / "config.json").read_text())["vocab_size"])
        self.folder = folder
        self._known: set[int] = set()
        self.calls = RouterCalls(self.channel)
        self._warm_up()

    @property
    def process_id(self) -> int:
        """Of the shard."""
        return self._process.pid

    def run(self, order: Order) -> Measured:
        """Prefill and the asked number of decode steps."""
        self.hold(order.adapters)
        measured = self._measure(dealt(order, self.vocabulary, 1 + order.steps))
        self.calls.clear()
        return measured

    def hold(self, adapters: Iterable[int | None]) -> None:
        """Loads those that it has not loaded before; None is the base."""
        for adapter in sorted({each for each in adapters if each is not None} - self._known):
            self.calls.bring(adapter)
            self._known.add(adapter)

    def complete(
        self, prompts: Sequence[Sequence[int]], new_tokens: int, parameters: Mapping[str, Any]
    ) -> Measured:
        """Prefill, and decode steps until each has so many tokens, however many a step brings.

        parameters: of the choice of tokens; a seed is that of the first row.
        """
        requests, block = [], 1
        for row, prompt in enumerate(prompts):
            count = blocks_of(len(prompt) + new_tokens)
            seed = {"seed": parameters["seed"] + row} if "seed" in parameters else {}
            requests.append(
                pb.Request(
                    id=row,
                    tokenized_inputs=pb.TokenizedInputs(ids=prompt),
                    parameters=pb.NextTokenChooserParameters(
                        **{"temperature": 1.0, **parameters, **seed}
                    ),
                    stopping_parameters=pb.StoppingCriteriaParameters(
                        max_new_tokens=new_tokens, ignore_eos_token=True
                    ),
                    blocks=range(block, block + count),
                )
            )
            block += count
        return self._measure(requests)

    def _measure(self, requests: Sequence[pb.Request]) -> Measured:
        """A prefill, and a run of decode steps until all requests have ended."""
        begin = self.cpu_seconds()
        first = self.calls.prefill(requests)
        wall, cpu = time.monotonic(), self.cpu_seconds()
        decoded = list(self.calls.run(first.batch)) if first.batch is not None else []
        decode_cpu, decode_wall = self.cpu_seconds() - cpu, time.monotonic() - wall
        tokens = [
            [token for step in (first, *decoded) for token in step.tokens.get(row, ())]
            for row in range(len(requests))
        ]
        return Measured(decode_cpu, decode_wall, cpu - begin, tokens, len(decoded))

    def cpu_seconds(self) -> float:
        """What the shard has spent until now."""
        return sum(member.cpu_seconds for member in process_tree.members(self._process.pid))

    def memory_mib(self, kind: str) -> float:
        """A line of the process's status, such as RssAnon (what is no file) or VmHWM (the peak)."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        (found,) = (line for line in lines if line.startswith(f"{kind}:"))
        return int(found.split()[1]) / 1024

    def stop(self) -> None:
        """Ends the shard."""
        self._process.terminate()
        self._process.wait(30)

    def _warm_up(self) -> None:
        request = pb.Request(
            id=0,
            tokenized_inputs=pb.TokenizedInputs(ids=range(3, 35)),
            truncate=32,
            parameters=pb.NextTokenChooserParameters(temperature=1.0),
            stopping_parameters=pb.StoppingCriteriaParameters(max_new_tokens=24),
        )
        self._stub.Warmup(
            pb.WarmupRequest(batch=pb.Batch(id=0, requests=[request], size=1, max_tokens=64))
        )


def serve_shard(
    answer: Callable[[ShardClient], Callable[[dict[str, Any]], dict[str, Any]]],
    program: Callable[[Path], Sequence[str]] = lambda _: _SHARD,
) -> None:
    """Answers orders with a shard of MODEL DTYPE THREADS, as the command line names them.

    program: what the interpreter runs, given the shard's folder.
    """
    with tempfile.TemporaryDirectory(prefix="lorax-bench-") as name:
        folder = Path(name)
        client = ShardClient(
            Path(sys.argv[1]), sys.argv[2], sys.argv[3], folder, program=program(folder)
        )
        try:
            serve_orders(answer(client))
        finally:
            client.stop()


if __name__ == "__main__":
    serve_shard(lambda client: lambda order: asdict(client.run(Order(**order))))
