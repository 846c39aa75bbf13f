"""What is told of a step to those who trace its requests."""

import time
from collections.abc import Sequence as List
from dataclasses import dataclass, field
from typing import Any

from lorax_shard.engine.sequence import Sequence


@dataclass(slots=True)
class StepRecord:
    """One step, or one reading of texts; a StepObserver. Times are nanoseconds since 1970."""

    arrived: int = field(default_factory=time.time_ns)
    began: int = 0
    ends: dict[str, int] = field(default_factory=dict)  # of phases, in order
    ended: int = 0
    requests: int = 0
    tokens: int = 0
    adapters: set[str] = field(default_factory=set)

    def begins(self, sequences: List[Sequence]) -> None:
        """See StepObserver."""
        self.requests = len(sequences)
        self.tokens = sum(sequence.planned for sequence in sequences)
        self.adapters = {sequence.adapter.id for sequence in sequences if sequence.adapter}

    def computed(self) -> None:
        """See StepObserver."""
        self.ends["forward"] = time.time_ns()

    def chosen(self) -> None:
        """See StepObserver."""
        self.ends["sample"] = time.time_ns()

    def attributes(self) -> dict[str, Any]:
        """Without what the engine did not come to."""
        found: dict[str, Any] = {
            "lorax.step.requests": self.requests,
            "lorax.step.tokens": self.tokens,
            "lorax.step.adapters": sorted(self.adapters),
        }
        if not self.began:
            return found
        found["lorax.step.wait_ms"] = (self.began - self.arrived) / 1e6
        before = self.began
        for phase, end in self.ends.items():
            found[f"lorax.step.{phase}_ms"] = (end - before) / 1e6
            before = end
        if "sample" in self.ends:
            found["lorax.step.reply_ms"] = (self.ended - before) / 1e6
        return found
