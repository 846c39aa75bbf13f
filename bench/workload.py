"""Requests of many lengths that come at random: what a server of many adapters is asked."""

import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Request:
    """The prompt's letters are its tokens; at is when it comes, in seconds."""

    prompt: str
    new_tokens: int
    adapter: int
    at: float = 0.0

    def words(self) -> dict[str, Any]:
        """As a worker process is told of it."""
        return asdict(self)


@dataclass(frozen=True)
class Lengths:
    """A log-normal distribution, cut off: most are short and a few are very long."""

    median: float
    sigma: float
    longest: int

    def draw(self, numbers: random.Random) -> int:
        """At least one."""
        return max(
            1, min(self.longest, round(numbers.lognormvariate(math.log(self.median), self.sigma)))
        )


def requests(
    seed: int,
    count: int,
    weights: Sequence[float],
    prompts: Lengths,
    answers: Lengths,
    per_second: float,
) -> list[Request]:
    """Poisson arrivals; adapters by their weights. per_second may be infinite: all come at once."""
    numbers = random.Random(seed)
    at, made = 0.0, []
    for _ in range(count):
        at += numbers.expovariate(per_second) if math.isfinite(per_second) else 0.0
        made.append(
            Request(
                prompt="".join(numbers.choices(_LETTERS, k=prompts.draw(numbers))),
                new_tokens=answers.draw(numbers),
                adapter=numbers.choices(range(len(weights)), weights)[0],
                at=at,
            )
        )
    return made


def zipf(count: int) -> list[float]:
    """The k-th with a weight of 1/k."""
    return [1 / (1 + place) for place in range(count)]
