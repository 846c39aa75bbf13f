"""The shard's throughput over batch, adapters, rank and context, each against the base alone.

One dimension is varied at a time, around a middle. A point is one batch with adapters and one
without, cached in the same shard, which make some steps in turn: what disturbs a step disturbs its
neighbour, and prompts are computed once.
"""

from dataclasses import dataclass, replace

from ratios import Pair, Row, ratio_row
from side import Log, Outcome, Setting, Side

SHAPE = "135m"
# How many adapters of each rank the model has, in this order.
RANKS = {16: 128, 8: 32, 64: 32}
_MIXED = "8, 16 and 64"


@dataclass(frozen=True)
class Point:
    """Sequences, distinct adapters dealt to them in turn, their rank, tokens of each prompt."""

    batch: int = 32
    adapters: int = 32
    rank: int | str = 16
    context: int = 128

    @property
    def steps(self) -> int:
        """Of a window: CPU time is told in hundredths of a second."""
        return max(8, 64 // self.batch)

    def dealt(self) -> list[int]:
        """The adapter of each sequence."""
        firsts: dict[int | str, int] = {}
        first = 0
        for rank, count in RANKS.items():
            firsts[rank] = first
            first += count
        if self.rank != _MIXED:
            pool = [firsts[self.rank] + number for number in range(self.adapters)]
        else:
            ranks = sorted(RANKS)
            pool = [
                firsts[ranks[number % len(ranks)]] + number // len(ranks)
                for number in range(self.adapters)
            ]
        return [pool[row % self.adapters] for row in range(self.batch)]


def points() -> list[tuple[str, Point]]:
    """Each with what is told apart by it."""
    middle = Point()
    found = [
        (f"batch {batch}", replace(middle, batch=batch, adapters=min(batch, 32)))
        for batch in (1, 8, 32, 128)
    ]
    found += [
        (f"{adapters} adapters", replace(middle, adapters=adapters)) for adapters in (1, 4, 16)
    ]
    found.append(("128 adapters, batch 128", replace(middle, batch=128, adapters=128)))
    found += [(f"rank {rank}", replace(middle, rank=rank)) for rank in (8, 64, _MIXED)]
    found += [(f"context {context}", replace(middle, context=context)) for context in (512, 2048)]
    return found


def measure(setting: Setting, pairs: int, log: Log) -> Outcome:
    """One shard, whose cache is empty when a point begins."""
    rows: list[Row] = []
    with Side("sweep_shard.py", setting.models[SHAPE], "bfloat16", setting) as shard:
        for case, point in points():
            answer = shard.ask(
                {
                    "adapters": point.dealt(),
                    "prompt": point.context,
                    "windows": pairs,
                    "steps": point.steps,
                }
            )
            measured = [
                Pair(ours["tokens"] / ours["cpu_s"], base["tokens"] / base["cpu_s"])
                for ours, base in zip(answer["adapted"], answer["base"], strict=True)
            ]
            rows.append(ratio_row(case, measured, "tokens/CPU-s"))
            log(f"  {case}: {rows[-1].ratio.median:.2f}, the base {rows[-1].peer:.0f} tokens/CPU-s")
    return Outcome(rows, {})
