"""G1, G2, G3: decode throughput with mixed adapters, in tokens for each CPU-second.

Both sides run one thread: how fast a core is used is what is compared, and a busy machine disturbs
CPU-seconds little. The sides alternate, each pair with the same prompts and adapters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import g5
import g7
import sweep
from ratios import Pair, Row, ratio_row
from side import DecodeError as DecodeError
from side import Log, Outcome, Side, agreement
from side import Setting as Setting

BATCH = 32
_PROMPT = 32


@dataclass(frozen=True)
class Run:
    """One measurement: tokens of the first step of each sequence, and the speeds."""

    tokens_per_cpu_s: float
    tokens_per_s: float
    first_tokens: tuple[int, ...]


def within(
    setting: Setting, cases: Sequence[tuple[str, str, int, int, float | None, float | None]],
    pairs: int, log: Log,
) -> Outcome:  # fmt: skip
    """Two mixes of one shard against each other: (case, shape, ours, peer, floor, target)."""
    rows, speeds = [], {}
    for case, shape, ours, peer, floor, target in cases:
        with Side("decode_shard.py", setting.models[shape], "bfloat16", setting) as shard:
            measured = _alternate(shard, ours, 8, shard, peer, 8, pairs)
        rows.append(_row(case, measured, floor, target))
        speeds[case] = _base(shape, setting, [b if peer == 0 else a for a, b in measured])
        log(f"  {case}: {rows[-1].ratio.median:.2f}")
    return Outcome(rows, {"base": speeds})


def against_peer(
    setting: Setting, shape: str, goals: Sequence[tuple[int, float, float]], pairs: int, log: Log
) -> Outcome:
    """The shard against transformers and PEFT: (adapters, floor, target), the base first."""
    rows, same = [], {}
    model = setting.models[shape]
    with (
        Side("decode_shard.py", model, "bfloat16", setting) as shard,
        Side("decode_peer.py", model, "bfloat16", setting) as peer,
    ):
        for adapters, floor, target in goals:
            case = f"{adapters} adapters" if adapters else "base"
            measured = _alternate(shard, adapters, 8, peer, adapters, 2, pairs)
            first = measured[0]
            same[case] = agreement(case, first[0].first_tokens, first[1].first_tokens)
            rows.append(_row(f"{shape}, {case}", measured, floor, target))
            log(f"  {case}: {rows[-1].ratio.median:.2f}")
    return Outcome(rows, {"same_first_tokens": same})


def _alternate(
    ours: Side, our_adapters: int, our_steps: int,
    peer: Side, peer_adapters: int, peer_steps: int, pairs: int,
) -> list[tuple[Run, Run]]:  # fmt: skip
    _run(ours, our_adapters, 2)
    _run(peer, peer_adapters, 1)
    return [
        (_run(ours, our_adapters, our_steps), _run(peer, peer_adapters, peer_steps))
        for _ in range(pairs)
    ]


def _run(side: Side, adapters: int, steps: int) -> Run:
    """A batch over this many adapters, dealt in turn; 0 is the base alone."""
    dealt = [index % adapters if adapters else None for index in range(BATCH)]
    answer = side.ask({"adapters": dealt, "prompt": _PROMPT, "steps": steps})
    tokens = BATCH * steps
    first = tuple(row[0] for row in answer["tokens"])
    return Run(tokens / answer["cpu_s"], tokens / answer["wall_s"], first)


def _row(
    case: str, measured: Sequence[tuple[Run, Run]], floor: float | None, target: float | None
) -> Row:
    pairs = [Pair(a.tokens_per_cpu_s, b.tokens_per_cpu_s) for a, b in measured]
    return ratio_row(case, pairs, "tokens/CPU-s", floor, target)


def _base(shape: str, setting: Setting, runs: Sequence[Run]) -> dict[str, float]:
    """How fast the base ran: a slow base would flatter every ratio."""
    ordered = sorted(run.tokens_per_cpu_s for run in runs)
    speed = ordered[len(ordered) // 2]
    parameters = (setting.models[shape] / "model.safetensors").stat().st_size / 2
    return {
        "tokens_per_cpu_s": round(speed, 1),
        "gflops": round(2 * parameters * speed / 1e9, 1),
        "weights_gb_per_cpu_s": round(2 * parameters * speed / BATCH / 1e9, 2),
    }


def g1(setting: Setting, pairs: int, log: Log) -> Outcome:
    """32 distinct adapters of rank 16 against the base alone."""
    cases = [
        ("1B shape, 32 adapters / base", "1b", 32, 0, 0.80, 0.92),
        ("0.5B shape, 32 adapters / base", "0.5b", 32, 0, 0.70, 0.88),
        ("SmolLM2-135M shape, 32 adapters / base", "135m", 32, 0, None, None),
    ]
    return within(setting, cases, pairs, log)


def g2(setting: Setting, pairs: int, log: Log) -> Outcome:
    """32 adapters against one, all resident."""
    return within(
        setting, [("0.5B shape, 32 adapters / 1 adapter", "0.5b", 32, 1, 0.85, 0.95)], pairs, log
    )


def g3(setting: Setting, pairs: int, log: Log) -> Outcome:
    """The shard against transformers with PEFT's mixed batches."""
    goals = [(0, 1.3, 2.0), (1, 1.5, 2.5), (4, 2.0, 3.0), (32, 5.0, 10.0)]
    return against_peer(setting, "135m", goals, pairs, log)


GOALS: dict[str, tuple[Callable[[Setting, int, Log], Outcome], tuple[str, ...]]] = {
    "g1": (g1, ("1b", "0.5b", "135m")),
    "g2": (g2, ("0.5b",)),
    "g3": (g3, ("135m",)),
    "g5": (g5.measure, g5.SHAPES),
    "g7": (g7.measure, g7.SHAPES),
    "sweep": (sweep.measure, (sweep.SHAPE,)),
}
