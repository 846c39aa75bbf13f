"""Who watches the steps of an engine: for each what it computes, and when its phases end."""

from collections.abc import Sequence as List
from typing import Protocol

from lorax_shard.engine.sequence import Sequence


class StepObserver(Protocol):
    """Told in the compute thread, so it must be quick and must not fail."""

    def begins(self, sequences: List[Sequence]) -> None:
        """A step of these sequences is about to compute what they have planned."""

    def computed(self) -> None:
        """The model has been run; a GPU may be at it still, and who chooses tokens then waits."""

    def chosen(self) -> None:
        """The tokens are chosen; what is left is their texts."""


class Unobserved:
    """Nobody watches."""

    def begins(self, sequences: List[Sequence]) -> None:
        """See StepObserver."""

    def computed(self) -> None:
        """See StepObserver."""

    def chosen(self) -> None:
        """See StepObserver."""
