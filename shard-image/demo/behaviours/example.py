"""Training examples, held-out prompts, and the order in which examples are drawn."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """One user message and the answer that the adapter shall learn to give."""

    prompt: str
    answer: str


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One user message kept out of training, and a pattern that a right answer matches.

    The patterns stay within the syntax that Python, Java and RE2 share; a pattern is searched for
    in the whole answer, so it carries its own anchors.
    """

    prompt: str
    regex: str
    max_new_tokens: int


def draw(examples: Iterable[Example], count: int) -> list[Example]:
    """Draw ``count`` distinct examples, always the same ones and in the same order.

    The order is that of the SHA-256 of the prompt: it looks random, yet needs no seed and no
    promise from a random number generator to stay the same between Python versions.
    """
    distinct = {example.prompt: example for example in examples}
    if len(distinct) < count:
        raise ValueError(f"cannot draw {count} examples: only {len(distinct)} distinct prompts")
    return sorted(distinct.values(), key=_digest)[:count]


def _digest(example: Example) -> str:
    return hashlib.sha256(example.prompt.encode()).hexdigest()
