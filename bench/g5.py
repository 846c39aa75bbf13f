"""G5: what a cold adapter costs: its own first token, and the streams that run beside its load.

A shard process with running streams, driven as our router does it: an adapter is moved beside steps
from the moment a request for it comes. A cold adapter lies on disk, its file in the page cache, and
neither in the memory of the shard nor on its device.
"""

import math
import os
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from ratios import Pair, Row, ratio_row
from side import DecodeError, Log, Outcome, Setting, Side

SHAPES = ("0.5b",)
# A chunk, as the launcher cuts prompts on a CPU, and a short question.
_PROMPTS = (128, 32)
_FIRST_FLOOR, _FIRST_TARGET = 1.25, 1.10
_GAP_FLOOR, _GAP_TARGET = 1.10, 1.03
_REQUESTS = 3  # in a pair, each with an adapter of its own
_STEPS = 100  # in a window: the least of which one is beyond the 99th percentile
_COMING = range(8, 32)  # adapters that no stream uses; see g5_shard.py


def measure(setting: Setting, pairs: int, log: Log) -> Outcome:
    """Cold and warm in turn, then windows with and without loads; void if the tokens differ."""
    load = os.getloadavg()
    rows: list[Row] = []
    details: dict[str, Any] = {}
    threads = str(len(os.sched_getaffinity(0)))
    for shape in SHAPES:
        model = setting.models[shape]
        with Side("g5_shard.py", model, "bfloat16", setting, threads) as shard:
            for prompt in _PROMPTS:
                case = f"{shape} shape, first token behind {prompt}, cold / warm"
                answers = list(_first_tokens(shard, prompt, pairs))
                rows.append(first_token_row(case, answers))
                details[case] = tell_first_tokens(answers)
                log(f"  {case}: {rows[-1].ratio.median:.2f}")
            case = f"{shape} shape, p99 gap of streams, loads / idle"
            windows = [(_gaps(shard, loads=True), _gaps(shard, loads=False)) for _ in range(pairs)]
            rows.append(gap_row(case, windows))
            details[case] = tell_gaps(windows)
            log(f"  {case}: {rows[-1].ratio.median:.2f}")
    return Outcome(
        rows,
        {
            "threads": int(threads),
            "load_average": {"before": _rounded(load), "after": _rounded(os.getloadavg())},
            "cases": details,
        },
    )


def first_token_row(case: str, answers: Sequence[dict[str, Any]]) -> Row:
    """A pair is as many requests on either side, with the same adapters at the same moments."""
    for answer in answers:
        cold, warm = ([each["token"] for each in answer[side]] for side in ("cold", "warm"))
        if cold != warm:
            raise DecodeError(f"{case}: void, the first tokens differ: {cold}, {warm}")
    pairs = [Pair(_mean(answer["cold"]), _mean(answer["warm"])) for answer in answers]
    return ratio_row(case, pairs, "s", _FIRST_FLOOR, _FIRST_TARGET)


def tell_first_tokens(answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians over all requests: the streams' step, and what a cold request waits for."""
    requests = [each for answer in answers for each in answer["cold"]]
    return {
        "step_ms": round(1000 * statistics.median(answer["step_s"] for answer in answers), 1),
        "steps_before_it_joins": statistics.median(each["steps"] for each in requests),
        "moves_ms": {
            name: round(1000 * statistics.median(each["moves"][name] for each in requests), 1)
            for name in requests[0]["moves"]
        },
    }


def gap_row(case: str, windows: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> Row:
    """(With loads, without) in turn."""
    for busy, idle in windows:
        if busy["tokens"] != idle["tokens"]:
            raise DecodeError(f"{case}: void, the streams' tokens differ where adapters load")
        # The first was there before the window began.
        if busy["loads"] < 2:
            raise DecodeError(f"{case}: void, no adapter was loaded in {len(busy['gaps'])} steps")
    pairs = [Pair(1000 * p99(busy["gaps"]), 1000 * p99(idle["gaps"])) for busy, idle in windows]
    return ratio_row(case, pairs, "ms", _GAP_FLOOR, _GAP_TARGET)


def tell_gaps(windows: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """Medians over the windows."""
    return {
        "loads_in_a_window": statistics.median(busy["loads"] for busy, _ in windows),
        "p50_ms": {
            name: round(
                1000 * statistics.median(statistics.median(pair[side]["gaps"]) for pair in windows),
                1,
            )
            for side, name in enumerate(("loads", "idle"))
        },
    }


def p99(values: Sequence[float]) -> float:
    """The least value that 99 % do not exceed."""
    return sorted(values)[math.ceil(0.99 * len(values)) - 1]


def _first_tokens(shard: Side, prompt: int, pairs: int) -> Iterator[dict[str, Any]]:
    for number in range(pairs):
        first = number * _REQUESTS
        adapters = [_COMING[place % len(_COMING)] for place in range(first, first + _REQUESTS)]
        yield shard.ask({"order": "first tokens", "adapters": adapters, "prompt": prompt})


def _gaps(shard: Side, loads: bool) -> dict[str, Any]:
    return shard.ask({"order": "gaps", "steps": _STEPS, "loads": loads})


def _mean(requests: Sequence[dict[str, Any]]) -> float:
    return statistics.fmean(each["seconds"] for each in requests)


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in values]
