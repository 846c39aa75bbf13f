"""G6: 64 adapters in 8 places, asked for by Zipf's law, with more clients than the batch holds.

Throughput against the same server with places for all. And how long the coldest quarter of the
adapters waits at the longest, against the same 8 places in the order of arrival.
"""

from collections.abc import Callable
from typing import Any

from ratios import Pair, Row, ratio_row
from streams import Case, Router, Setting

_ADAPTERS = 64
_PLACES = 8
# A batch of 32, so that a request takes 0.16 s and about 190 end in a second.
_CASE = Case(
    f"{_ADAPTERS} adapters in {_PLACES} places",
    streams=256,
    step_micros=5_000,
    tokens=32,
    cache_tokens=32 * 48 + 16,
    load_millis=20,
    adapters=_ADAPTERS,
)
_SECONDS = 10.0
_WARM_TOKENS = 30_000


def measure(
    setting: Setting, pairs: int, tell: Callable[[str], None]
) -> tuple[list[Row], dict[str, Any]]:
    """Three servers side by side, loaded in turns."""
    throughput, waits, against_all = [], [], []
    few, every = f"--max-active-adapters={_PLACES}", f"--max-active-adapters={_ADAPTERS}"
    with (
        Router(setting, _CASE, few) as fair,
        Router(setting, _CASE, every) as resident,
        Router(setting, _CASE, few, "--queue-order=arrival") as arrival,
    ):
        for server in (fair, resident, arrival):
            server.measure(2 * _WARM_TOKENS, 1.0)
        for number in range(pairs):
            ours = fair.measure(_WARM_TOKENS, _SECONDS)
            all_resident = resident.measure(_WARM_TOKENS, _SECONDS)
            first_come = arrival.measure(_WARM_TOKENS, _SECONDS)
            throughput.append(Pair(ours.tokens_per_second, all_resident.tokens_per_second))
            cold = [each.facts["coldest_wait"] / 1000 for each in (ours, first_come, all_resident)]
            waits.append(Pair(cold[0], cold[1]))
            against_all.append(Pair(cold[0], cold[2]))
            tell(
                f"pair {number + 1}: {ours.tokens_per_second:.0f} / "
                f"{all_resident.tokens_per_second:.0f} tokens/s; coldest waits {cold[0]:.2f} s, "
                f"by arrival {cold[1]:.2f} s, all resident {cold[2]:.2f} s"
            )
    rows = [
        ratio_row("throughput / all resident", throughput, "tokens/s", 0.80, 0.92),
        ratio_row("longest wait of the coldest quarter / by arrival", waits, "s", 2.0, 1.2),
        ratio_row("longest wait of the coldest quarter / all resident", against_all, "s"),
    ]
    return rows, {
        "load": {
            "clients": _CASE.streams,
            "batch": 32,
            "tokens": _CASE.tokens,
            "step_ms": _CASE.step_micros / 1000,
            "load_ms": _CASE.load_millis,
        }
    }
