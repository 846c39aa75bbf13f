"""The three behaviours that the demo adapters learn, and the data that teaches them.

Each behaviour module has two functions: ``training()`` gives the examples to learn from and
``held_out()`` gives prompts with checks for the trained adapter. Held-out prompts use words that
the module keeps out of its training examples, so passing them shows a learnt behaviour and not a
remembered answer.
"""

from collections.abc import Callable
from dataclasses import dataclass

from behaviours import pirate, sentiment, sql
from behaviours.example import Example, HeldOut


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One adapter's training examples and held-out prompts, each made anew on every call."""

    training: Callable[[], list[Example]]
    held_out: Callable[[], list[HeldOut]]


BEHAVIOURS = {
    "sentiment": Behaviour(sentiment.training, sentiment.held_out),
    "sql": Behaviour(sql.training, sql.held_out),
    "pirate": Behaviour(pirate.training, pirate.held_out),
}
