"""Prompts with expectations, read from held_out.json and showcase.json.

Test suites in Python import this module; others read the two files, whose patterns mean the same
in Java and RE2. Answers are compared as they come, without special tokens and without trimming.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).parent
BASE = "base"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an answer must match, or for the base model must not match."""

    regex: str | None = None
    not_regex: str | None = None

    def __post_init__(self) -> None:
        """Refuse an expectation that every answer would meet."""
        if self.regex is None and self.not_regex is None:
            raise ValueError("an expectation needs regex or not_regex, got neither")

    def is_met_by(self, answer: str) -> bool:
        """Say whether the answer matches what it must and nothing that it must not."""
        found = self.regex is None or re.search(self.regex, answer) is not None
        unwanted = self.not_regex is not None and re.search(self.not_regex, answer) is not None
        return found and not unwanted


@dataclass(frozen=True, slots=True)
class Check:
    """One user message for one adapter (``base`` is the base model) and the expected answer."""

    adapter: str
    prompt: str
    max_new_tokens: int
    expect: Expectation


def held_out_checks() -> list[Check]:
    """Read the prompts that each adapter must answer rightly although it never saw them."""
    entries = json.loads((DIRECTORY / "held_out.json").read_text())
    return [Check(**{**entry, "expect": Expectation(**entry["expect"])}) for entry in entries]


def showcase_checks() -> list[Check]:
    """Read the one prompt that the base model and all adapters answer, each in its own way."""
    showcase = json.loads((DIRECTORY / "showcase.json").read_text())
    return [
        Check(adapter, showcase["prompt"], showcase["max_new_tokens"], Expectation(**expect))
        for adapter, expect in showcase["expect"].items()
    ]
