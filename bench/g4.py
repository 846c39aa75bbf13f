"""G4 and G4b: what a streamed token costs the router, and how long the shard waits for it.

The peer of G4 is a bare Netty server that writes the same bytes at the same pace. G4b is the share
of time that the shard spends in its steps; its peer is a shard that never waits.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ratios import Pair, Row, ratio_row
from streams import BareWriter, Case, Router, Seen, Setting, StreamsError

CASES = (
    Case("128 streams, 5 ms a step", streams=128, step_micros=5_000, tokens=256),
    Case("512 streams, 20 ms a step", streams=512, step_micros=20_000, tokens=256),
)
_COST_FLOOR, _COST_TARGET = 2.0, 1.4
_BUSY_GOALS = ((0.75, 0.92), (0.80, 0.95))
_SECONDS = 6.0
# Until the JVM has compiled what runs hot; after that each window needs only streams in flight.
# What runs once a step is compiled last, when it has run 5,000 times and its profile before that:
# with half of these steps compiling was a fifth of what the router took in a window.
_WARM_STEPS = 20_000
_WARM_STEPS_OF_PEER = 1_000
_WARM_STEPS_OF_BUSY = 5_000  # compiling takes time of the router's, which the shard hardly notices
_SETTLE_TOKENS = 20_000


# Who waits for a socket is woken by the call that writes to it. Clients are on other machines, so
# that is no cost of a server; here it was half of a write, for whoever writes slowly enough.
_PAUSE_MICROS = 500


def cost(
    setting: Setting, pairs: int, tell: Callable[[str], None]
) -> tuple[list[Row], dict[str, Any]]:
    """CPU-seconds of router and bare writer, in turns; void if what they write differs."""
    rows, details = [], []
    for woken in CASES:
        case = replace(woken, pause_micros=_PAUSE_MICROS)
        seen: list[Seen] = []
        ratios: list[Pair] = []
        with Router(setting, case) as router, BareWriter(setting, case) as bare:
            if _events(router.sample()) != _events(bare.sample()):
                raise StreamsError(
                    f"{case.name}: router and bare writer do not write the same events:\n"
                    f"{router.sample()}\n{bare.sample()}"
                )
            router.warm_up(_WARM_STEPS)
            bare.warm_up(_WARM_STEPS_OF_PEER)
            for number in range(pairs):
                ours = router.measure(_SETTLE_TOKENS, _SECONDS)
                peer = bare.measure(_SETTLE_TOKENS, _SECONDS)
                seen.append(ours)
                ratios.append(Pair(ours.cpu_per_million, peer.cpu_per_million))
                tell(
                    f"{case.name}, pair {number + 1}: {ours.cpu_per_million:.1f} / "
                    f"{peer.cpu_per_million:.1f} CPU-s per million tokens"
                )
        unit = "CPU-s per 1M tokens"
        rows.append(ratio_row(case.name, ratios, unit, _COST_FLOOR, _COST_TARGET))
        details.append({"case": case.name, **_spread(seen)})
    return rows, {"peer": "bare Netty writer of the same bytes", "router": details}


def busy(
    setting: Setting, pairs: int, tell: Callable[[str], None]
) -> tuple[list[Row], dict[str, Any]]:
    """The share of time that the shard is busy, measured in as many windows as pairs are asked."""
    rows, details = [], []
    for case, (floor, target) in zip(CASES, _BUSY_GOALS, strict=True):
        seen = []
        with Router(setting, case) as router:
            router.warm_up(_WARM_STEPS_OF_BUSY)
            for number in range(pairs):
                seen.append(router.measure(_SETTLE_TOKENS, _SECONDS))
                tell(f"{case.name}, window {number + 1}: busy {seen[-1].busy:.3f}")
        shares = [Pair(each.busy, 1.0) for each in seen]
        rows.append(ratio_row(case.name, shares, "share of time in steps", floor, target))
        details.append({"case": case.name, **_spread(seen)})
    return rows, {"peer": "a shard that never waits", "router": details}


def _events(stream: str) -> list[str]:
    return [line for line in stream.splitlines() if line.startswith("data: ")]


def _spread(seen: Sequence[Seen]) -> dict[str, float]:
    """Medians over the windows, in milliseconds and tokens."""

    def median(values: Sequence[float]) -> float:
        return round(sorted(values)[len(values) // 2], 2)

    names = ("first_p50", "first_p99", "gap_p50", "gap_p99")
    return {
        "tokens_per_s": median([each.tokens_per_second for each in seen]),
        **{f"{name}_ms": median([each.facts[name] for each in seen]) for name in names},
    }
