"""G7: what a decode step of 32 sequences takes beside the model's forward pass, and where.

A shard process that makes a run of steps, as for our router while nobody comes: the next one begins
while the answer to the last one is made and sent. Wall, from the beginning of a step to that of the
next, and forward pass are those of the same steps, so a machine that is busy disturbs both.
"""

import itertools
import os
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from ratios import Pair, Row, ratio_row
from side import DecodeError, Log, Outcome, Setting, Side

SHAPES = ("135m",)
_BATCH, _PROMPT, _STEPS = 32, 32, 48
_FLOOR, _TARGET = 0.05, 0.01
# The points of a step in their order, and what lies between each and the one before it.
_POINTS = {
    "began": "",
    "forward": "plan: tensors of the step",
    "computed": "forward",
    "chosen": "sampling",
    "ended": "batch kept",
    "next": "until the next step",
}
_TEXTS = "detokenise"  # a part of what lies between computed and chosen
_ANSWER = "answer on its way"  # beside the next step, so it is no part of this one


def measure(setting: Setting, pairs: int, log: Log) -> Outcome:
    """Each run yields a pair: gap and forward pass."""
    load = os.getloadavg()
    threads = str(len(os.sched_getaffinity(0)))
    rows: list[Row] = []
    details: dict[str, Any] = {}
    for shape in SHAPES:
        model = setting.models[shape]
        with Side("g7_shard.py", model, "bfloat16", setting, threads) as shard:
            cases = {f"{shape} shape, base": 0, f"{shape} shape, {_BATCH} adapters": _BATCH}
            runs: dict[str, list[list[dict[str, float]]]] = {case: [] for case in cases}
            for _, (case, adapters) in itertools.product(range(pairs), cases.items()):
                dealt = [row % adapters if adapters else None for row in range(_BATCH)]
                answer = shard.ask({"adapters": dealt, "prompt": _PROMPT, "steps": _STEPS})
                runs[case].append([parts(step) for step in answer["steps"]])
        for case, measured in runs.items():
            rows.append(gap_row(case, measured))
            details[case] = tell(measured)
            log(f"  {case}: {rows[-1].ratio.median:.4f}\n{_table(details[case])}")
    return Outcome(
        rows,
        {
            "threads": int(threads),
            "load_average": {
                "before": [round(each, 1) for each in load],
                "after": [round(each, 1) for each in os.getloadavg()],
            },
            "parts": details,
        },
    )


def parts(points: Mapping[str, int]) -> dict[str, float]:
    """A step in milliseconds by its parts, which together are its wall time; and its answer's."""
    names = [*_POINTS, "received"]
    missing = [name for name in names if name not in points]
    if missing:
        raise DecodeError(f"a step passed no {', '.join(missing)}: it passed {sorted(points)}")
    found = {}
    for before, after in itertools.pairwise(_POINTS):
        if points[after] < points[before]:
            raise DecodeError(f"a step passed {after} before {before}: {dict(points)}")
        found[_POINTS[after]] = (points[after] - points[before]) / 1e6
    found[_TEXTS] = points["texts_ns"] / 1e6
    found["sampling"] -= found[_TEXTS]
    found[_ANSWER] = (points["received"] - points["ended"]) / 1e6
    return found


def gap_row(case: str, runs: Sequence[Sequence[Mapping[str, float]]]) -> Row:
    """The gap over the forward pass, both summed over the steps of a run."""
    pairs = []
    for steps in runs:
        forward = statistics.fmean(step["forward"] for step in steps)
        wall = statistics.fmean(sum(step.values()) - step.get(_ANSWER, 0.0) for step in steps)
        pairs.append(Pair(wall - forward, forward))
    return ratio_row(case, pairs, "ms a step", _FLOOR, _TARGET)


def tell(runs: Sequence[Sequence[Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """Of each part: the mean of a step, which adds up, and the median, which is of a quiet one."""
    steps = [step for run in runs for step in run]
    return {
        name: {
            "mean_ms": round(statistics.fmean(step[name] for step in steps), 4),
            "median_ms": round(statistics.median(step[name] for step in steps), 4),
        }
        for name in steps[0]
    }


def _table(told: Mapping[str, Mapping[str, float]]) -> str:
    forward = told["forward"]["median_ms"]
    width = max(map(len, told))
    lines = [f"    {'ms a step':<{width}}      mean    median  % of the forward pass"]
    for name, figures in told.items():
        mean, median = figures["mean_ms"], figures["median_ms"]
        lines.append(
            f"    {name:<{width}}  {mean:8.3f}  {median:8.3f}  {100 * median / forward:8.2f}"
        )
    return "\n".join(lines)
