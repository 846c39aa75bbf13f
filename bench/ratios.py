"""Ratios of paired measurements, with an interval that assumes nothing about their distribution."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

FEWEST_PAIRS = 7
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median and the bounds between which it lies with at least 95 % confidence."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Pair:
    """One measurement of ours and one of the peer, taken one right after the other."""

    ours: float
    peer: float


@dataclass(frozen=True)
class Row:
    """One line of a result: a case, its ratio, and what the ratio was made of."""

    case: str
    ratio: Interval
    floor: float | None
    target: float | None
    ours: float
    peer: float
    unit: str

    @property
    def holds(self) -> bool:
        """Whether the ratio keeps its floor, on whichever side the target lies of it."""
        if self.floor is None:
            return True
        if self.target is not None and self.target > self.floor:
            return self.ratio.median >= self.floor
        return self.ratio.median <= self.floor


def median_interval(values: Sequence[float]) -> Interval:
    """The median, and the order statistics that enclose the true one (exact, binomial).

    Of n values each lies below the true median with probability 1/2, so the k-th smallest and the
    k-th largest miss it with probability 2 * P(Binomial(n, 1/2) < k). Raises ValueError below seven
    values: goals are judged by no fewer.
    """
    if len(values) < FEWEST_PAIRS:
        raise ValueError(f"expected at least {FEWEST_PAIRS} values, got {len(values)}")
    ordered = sorted(values)
    k = _rank(len(ordered))
    return Interval(statistics.median(ordered), ordered[k - 1], ordered[-k])


def ratio_row(
    case: str,
    pairs: Sequence[Pair],
    unit: str,
    floor: float | None = None,
    target: float | None = None,
) -> Row:
    """The median of the pairs' ratios: what disturbs both halves of a pair cancels out."""
    return Row(
        case=case,
        ratio=median_interval([pair.ours / pair.peer for pair in pairs]),
        floor=floor,
        target=target,
        ours=statistics.median(pair.ours for pair in pairs),
        peer=statistics.median(pair.peer for pair in pairs),
        unit=unit,
    )


def _rank(count: int) -> int:
    """The largest k whose enclosure still holds with the wanted confidence."""
    k, missed = 1, 2 / 2**count
    while True:
        missed += 2 * math.comb(count, k) / 2**count
        if missed > 1 - _CONFIDENCE:
            return k
        k += 1
