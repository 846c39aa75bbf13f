"""Worker processes of a benchmark, one for each side, and what a measurement of them comes to."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from ratios import Row

_HERE = Path(__file__).resolve().parent
Log = Callable[[str], None]
# Greedy choices over random weights: near-ties fall differently in other arithmetic.
_LEAST_AGREEMENT = 0.9


class DecodeError(Exception):
    """A side ended, or the sides do not compute the same."""


def agreement(case: str, ours: Sequence[int], peer: Sequence[int]) -> float:
    """The share of first tokens that both sides choose alike; void where it is low."""
    same = sum(a == b for a, b in zip(ours, peer, strict=True)) / len(ours)
    if same < _LEAST_AGREEMENT:
        raise DecodeError(f"{case}: only {same:.0%} of the first tokens are those of the peer")
    return same


@dataclass(frozen=True)
class Setting:
    """Interpreter, environment and the models by shape."""

    python: Path
    environment: dict[str, str]
    models: dict[str, Path]


@dataclass(frozen=True)
class Outcome:
    """The rows of a goal and what stands beside them."""

    rows: list[Row]
    details: dict[str, Any]


@dataclass
class Side:
    """A worker process; see decode_worker.py."""

    script: str
    model: Path
    dtype: str
    setting: Setting
    threads: str = "1"
    _process: subprocess.Popen[str] = field(init=False)

    def __enter__(self) -> Self:
        words = [str(self.setting.python), str(_HERE / self.script), str(self.model)]
        self._process = subprocess.Popen(
            [*words, self.dtype, self.threads],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self.setting.environment,
            text=True,
        )
        self._answer()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ask(self, order: dict[str, Any]) -> dict[str, Any]:
        """The worker's answer to an order of its own form."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise DecodeError(
                f"{self.script} ended with {self._process.wait()}; its reason is above"
            )
        answer: dict[str, Any] = json.loads(line)
        return answer
