"""Tokens that were chosen: one, or one behind each row of a step's logits."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor


class Choice(NamedTuple):
    """A chosen token and its log-probability under the logits it was chosen from."""

    token_id: int
    logprob: float


@dataclass(frozen=True, slots=True)
class Choices:
    """A token behind each row of logits [T, vocab] as they stand: the likeliest, or a drawn one.

    Tensors [T], which a device may be computing still.
    """

    ids: Tensor
    logprobs: Tensor
    likeliest: Tensor  # log-probability of the likeliest; NaN or infinite where logits are

    def fetch(self) -> "Fetch":
        """Has them brought to the host."""
        return Fetch(self)


@dataclass(frozen=True, slots=True)
class FetchedChoices:
    """Choices on the host, a number for each row."""

    ids: list[int]
    logprobs: list[float]
    likeliest: list[float]


class Fetch:
    """Choices on their way to the host, which wait for nothing that the device does behind them."""

    def __init__(self, choices: Choices) -> None:
        # From a device into pinned memory, beside what this thread does.
        self._copies = [
            tensor.to("cpu", non_blocking=True)
            for tensor in (choices.ids, choices.logprobs, choices.likeliest)
        ]
        self._arrival: torch.cuda.Event | None = None
        if choices.ids.is_cuda:
            self._arrival = torch.cuda.Event()
            self._arrival.record()

    def result(self) -> FetchedChoices:
        """Waits until they are there."""
        if self._arrival is not None:
            self._arrival.synchronize()
        ids, logprobs, likeliest = (copy.tolist() for copy in self._copies)
        return FetchedChoices(ids, logprobs, likeliest)
