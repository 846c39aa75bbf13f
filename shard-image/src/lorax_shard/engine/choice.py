"""A token that was chosen."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen token and its log-probability under the logits it was chosen from."""

    token_id: int
    logprob: float
