"""What the router adds to the time of tokens: first and next ones at 1, 64 and 512 streams.

The peer of each row is a step of the scripted shard, which takes new requests into the step of
those that run, as ours do. No token can come sooner than a step after the one before it; a first
token waits for the step that runs, and its own prompt takes another one.
"""

from collections.abc import Callable
from typing import Any

from ratios import Pair, Row, ratio_row
from streams import Case, Router, Setting

CASES = (
    Case("1 stream", streams=1, step_micros=5_000, tokens=64, form="chunks"),
    Case("64 streams", streams=64, step_micros=5_000, tokens=256, form="chunks"),
    Case("512 streams", streams=512, step_micros=20_000, tokens=256, form="chunks"),
)
_SECONDS = 6.0
_WARM_STEPS = 8_000
_SETTLE_STEPS = 100


def measure(
    setting: Setting, pairs: int, tell: Callable[[str], None]
) -> tuple[list[Row], dict[str, Any]]:
    """The 99th percentile of each of so many windows as pairs are asked, and the medians."""
    rows, details = [], []
    for case in CASES:
        seen = []
        with Router(setting, case) as router:
            router.warm_up(_WARM_STEPS)
            for number in range(pairs):
                facts = router.measure(_SETTLE_STEPS * case.streams, _SECONDS).facts
                seen.append(facts)
                tell(
                    f"{case.name}, window {number + 1}: first token p99 {facts['first_p99']:.1f} "
                    f"ms, next token p99 {facts['gap_p99']:.1f} ms"
                )
        step = case.step_micros / 1000
        for name, label in (("first", "first token"), ("gap", "next token")):
            p99 = [Pair(facts[f"{name}_p99"], step) for facts in seen]
            rows.append(ratio_row(f"{case.name}: {label}, p99 / step", p99, "ms"))
        details.append(
            {
                "case": case.name,
                **{
                    f"{name}_p50_ms": round(sorted(f[f"{name}_p50"] for f in seen)[pairs // 2], 2)
                    for name in ("first", "gap")
                },
            }
        )
    return rows, {"peer": "a step of the scripted shard", "medians": details}
