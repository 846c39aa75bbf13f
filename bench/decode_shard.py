"""Our side of a decode benchmark: a shard process, driven over its socket as a router does it.

decode_shard.py MODEL DTYPE THREADS. CPU time is that of the shard, not of this client.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import grpc  # type: ignore[import-untyped]
import process_tree
from decode_worker import Measured, Order, serve
from lorax_shard.pb import generate_pb2 as pb  # type: ignore[import-not-found]
from lorax_shard.pb import generate_pb2_grpc
from router_calls import RouterCalls

_BLOCK = 16
_START_SECONDS = 120


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
        program: Sequence[str] = ("-m", "lorax_shard.cli"),
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
        self._known: set[int] = set()
        self._calls = RouterCalls(self.channel)
        self._warm_up()

    @property
    def process_id(self) -> int:
        """Of the shard."""
        return self._process.pid

    def run(self, order: Order) -> Measured:
        """Prefill and the asked number of decode steps."""
        for index in {index for index in order.adapters if index is not None} - self._known:
            self._load(index)
        measured = self._measure(self._requests(order))
        self._stub.ClearCache(pb.ClearCacheRequest())
        return measured

    def complete(
        self, prompts: Sequence[Sequence[int]], new_tokens: int, parameters: Mapping[str, Any]
    ) -> Measured:
        """Prefill, and decode steps until each has so many tokens, however many a step brings.

        parameters: of the choice of tokens; a seed is that of the first row.
        """
        requests, block = [], 1
        for row, prompt in enumerate(prompts):
            count = -(-(len(prompt) + new_tokens) // _BLOCK)
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
        first = self._calls.prefill(requests)
        wall, cpu = time.monotonic(), self.cpu_seconds()
        decoded = list(self._calls.run(first.batch)) if first.batch is not None else []
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

    def _requests(self, order: Order) -> list[pb.Request]:
        needed = order.prompt + order.steps
        count = -(-needed // _BLOCK)
        return [
            pb.Request(
                id=row,
                tokenized_inputs=pb.TokenizedInputs(ids=prompt),
                parameters=pb.NextTokenChooserParameters(temperature=1.0),
                stopping_parameters=pb.StoppingCriteriaParameters(
                    max_new_tokens=1 + order.steps, ignore_eos_token=True
                ),
                adapter_index=_index(order.adapters[row]),
                blocks=range(1 + row * count, 1 + (row + 1) * count),
            )
            for row, prompt in enumerate(order.prompts(self.vocabulary))
        ]

    def _load(self, index: int) -> None:
        parameters = pb.AdapterParameters(adapter_ids=[str(index)])
        words: dict[str, Any] = {"adapter_parameters": parameters, "adapter_source": pb.LOCAL}
        self._stub.DownloadAdapter(pb.DownloadAdapterRequest(**words))
        self._stub.LoadAdapter(pb.LoadAdapterRequest(**words, adapter_index=index + 1))
        self._known.add(index)

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


def _index(adapter: int | None) -> int:
    """On the wire 0 is the base."""
    return 0 if adapter is None else adapter + 1


def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="lorax-bench-") as folder:
        client = ShardClient(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(folder))
        try:
            serve(client.run)
        finally:
            client.stop()


if __name__ == "__main__":
    _main()
