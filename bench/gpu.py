"""The goals of a GPU, H1, H2, H4, H5 and H6: gpu.py SHAPE [--seconds S] [--out FILE].

SHAPE: 8b, 1b, or tiny to try it. Needs torch with CUDA and Triton, tokenizers and safetensors, and
PYTHONPATH=shard-image/src. On a CPU it runs, too, without graphs; only H6 says anything there.
"""

# mypy: disable-error-code="import-not-found,no-any-return"

import argparse
import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from gpu_engine import (
    BATCH,
    adapter_bytes,
    context_bytes,
    new_engine,
    random_adapter,
    requests,
    weight_bytes,
)
from gpu_fuzz import fuzz
from lorax_shard.engine.messages import BatchRequest
from ratios import Interval, Pair, Row, ratio_row
from result import document, table

ROWS = 32
_PAIRS = 7
_WARM_STEPS = 4


class Bench:
    """An engine and what is measured of it."""

    def __init__(self, shape: str, device: torch.device, prompt: int, steps: int) -> None:
        self._device = device
        self._prompt = prompt
        self._steps = steps
        self.engine = new_engine(shape, device, device.type == "cuda", ROWS)
        self._adapter = random_adapter(self.engine, "adapter", 1)
        # Speed depends on where an adapter lies, not on what is in it. With two places more than
        # rows, loads make no stack grow.
        for index in range(1, 3 + ROWS):
            self.engine.load_adapter(index, self._adapter)
        self._bandwidth = copy_bandwidth(device)

    def rows(self) -> list[Row]:
        """All that is about speed."""
        found = [self._lora(), *(self._base(rows) for rows in (1, ROWS))]
        if self._device.type == "cuda":
            found += [self._idle(), self._swap()]
        return [*found, self._gap()]

    def _lora(self) -> Row:
        """H1: tokens per second with an adapter for each row, against the base and bytes alone."""
        pairs = [
            Pair(
                ROWS / statistics.median(self._times(list(range(1, 1 + ROWS)))),
                ROWS / statistics.median(self._times([0] * ROWS)),
            )
            for _ in range(_PAIRS)
        ]
        base = weight_bytes(self.engine) + context_bytes(self.engine, ROWS * self._prompt)
        ideal = base / (base + ROWS * adapter_bytes(self._adapter))
        return ratio_row(
            f"H1: {ROWS} adapters / base (bytes alone: {ideal:.3f})", pairs, "tokens/s",
            floor=round(0.85 * ideal, 3), target=round(0.95 * ideal, 3),
        )  # fmt: skip

    def _base(self, rows: int) -> Row:
        """H2: bytes that a step of the base reads per second, against those that a copy moves."""
        size = weight_bytes(self.engine) + context_bytes(self.engine, rows * self._prompt)
        pairs = [
            Pair(size / statistics.median(self._times([0] * rows)) / 1e9, self._bandwidth / 1e9)
            for _ in range(_PAIRS)
        ]
        return ratio_row(f"H2: bandwidth of the base, {rows} rows", pairs, "GB/s", 0.65, 0.80)

    def _idle(self) -> Row:
        """H5: the share of a step in which no kernel runs; kernels as the profiler counts them."""
        wall = statistics.median(self._times([0] * ROWS))
        profiler = torch.profiler
        self._begin([0] * ROWS)
        with profiler.profile(activities=[profiler.ProfilerActivity.CUDA]) as profile:
            for _ in range(self._steps):
                self._decode()
        self.engine.clear(None)
        busy = sum(event.self_device_time_total for event in profile.key_averages())
        per_step = busy / 1e6 / self._steps
        idle = max(0.0, 1 - per_step / wall)
        return Row("H5: idle share of a step", _exactly(idle), 0.05, 0.01, wall, per_step, "s")

    def _swap(self) -> Row:
        """H4: seconds of a load from host memory, against its bytes over a pinned copy."""
        bandwidth = pinned_bandwidth(self._device)
        expected = adapter_bytes(self._adapter) / bandwidth
        staged = self.engine.adapters.stage(self._adapter)
        pairs = []
        for _ in range(_PAIRS):
            begin = time.perf_counter()
            self.engine.adapters.install_staged(1, staged)
            torch.cuda.synchronize()
            pairs.append(Pair(time.perf_counter() - begin, expected))
            self.engine.release_adapters()
        return ratio_row("H4: load of an adapter / its bytes", pairs, "s", 1.5, 1.1)

    def _gap(self) -> Row:
        """H4: the 99th percentile of a step's time while adapters are loaded, against without."""
        quiet = self._times(list(range(1, 1 + ROWS)))
        ends = threading.Event()

        def load() -> None:
            while not ends.is_set():
                self.engine.load_adapter(ROWS + 1, self._adapter)

        loader = threading.Thread(target=load)
        loader.start()
        try:
            busy = self._times(list(range(1, 1 + ROWS)))
        finally:
            ends.set()
            loader.join()
            self.engine.release_adapters()
        worst = [statistics.quantiles(times, n=100)[98] for times in (busy, quiet)]
        ratio = _exactly(worst[0] / worst[1])
        return Row(
            "H4: step while adapters load / quiet, p99", ratio, 1.10, 1.03, worst[0], worst[1], "s"
        )

    def _begin(self, adapters: list[int]) -> None:
        tokens = 2 + _WARM_STEPS + self._steps
        self.engine.prefill(BatchRequest(BATCH, tuple(requests(adapters, self._prompt, tokens))))
        for _ in range(_WARM_STEPS):
            self._decode()

    def _decode(self) -> None:
        """A step of a run, in which the next one is begun before its tokens are known."""
        self.engine.decode([BATCH], lambda: True)

    def _times(self, adapters: list[int]) -> list[float]:
        """Seconds of each decode step of a batch. A step ends when its tokens are known."""
        self._begin(adapters)
        times = []
        for _ in range(self._steps):
            begin = time.perf_counter()
            self._decode()
            times.append(time.perf_counter() - begin)
        self.engine.clear(None)
        return times


def _exactly(value: float) -> Interval:
    return Interval(value, value, value)


def copy_bandwidth(device: torch.device) -> float:
    """Bytes per second that a copy on the device reads and writes."""
    size = 2**30 if device.type == "cuda" else 2**24
    source = torch.empty(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * size / _fastest(lambda: target.copy_(source), device)


def pinned_bandwidth(device: torch.device) -> float:
    """Bytes per second from pinned host memory to the device."""
    source = torch.empty(2**28, dtype=torch.uint8).pin_memory()
    target = torch.empty_like(source, device=device)
    return source.nbytes / _fastest(lambda: target.copy_(source, non_blocking=True), device)


def _fastest(work: Callable[[], object], device: torch.device) -> float:
    times = []
    for _ in range(10):
        begin = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return min(times)


def main() -> int:
    """Prints the rows, and keeps them where --out says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("shape", choices=("8b", "1b", "tiny"))
    parser.add_argument("--seconds", type=float, default=60.0, help="of fuzzing")
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--steps", type=int, default=64, help="of each measurement")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    bench = Bench(arguments.shape, device, arguments.prompt, arguments.steps)
    rows = bench.rows()
    print(table(rows), flush=True)
    del bench
    fuzzed = fuzz(device, arguments.seconds, random.Random(0))
    print(f"  H6: {fuzzed}")
    if arguments.out is not None:
        name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu"
        details = {"device": name, "shape": arguments.shape, "fuzz": asdict(fuzzed)}
        result = document("gpu", rows, " ".join(["bench/gpu.py", *sys.argv[1:]]), details)
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    return 0 if fuzzed.wrong == 0 and all(row.holds for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
