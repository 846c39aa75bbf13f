"""What both sides of a decode benchmark are asked, one JSON line each way.

`{"adapters": [index or null, one for each sequence], "prompt": tokens, "steps": n}` runs the batch;
the answer has the CPU and wall seconds of the n decode steps and the tokens of all sequences.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Order:
    """A batch of equally long prompts; adapters[i] is that of sequence i, None is the base."""

    adapters: list[int | None]
    prompt: int
    steps: int

    def prompts(self, vocabulary: int) -> list[list[int]]:
        """Token ids that differ from sequence to sequence; the first three are special."""
        usable = vocabulary - 3
        return [
            [3 + (7919 * row + 104729 * place) % usable for place in range(self.prompt)]
            for row in range(len(self.adapters))
        ]


@dataclass(frozen=True)
class Measured:
    """What the decode steps took; prefill_cpu_s is that of the prompts."""

    cpu_s: float
    wall_s: float
    prefill_cpu_s: float
    tokens: list[list[int]]
    steps: int = 0  # of decoding, where those that asked do not know it


def serve(run: Callable[[Order], Measured]) -> None:
    """Answers until the input ends. The first line out says that the worker is ready."""
    serve_orders(lambda order: asdict(run(Order(**order))))


def serve_orders(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """The same for orders and answers of another form."""
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
