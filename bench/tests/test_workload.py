"""Requests of the whole server's goals."""

import math
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import workload
from workload import Lengths

_PROMPTS, _ANSWERS = Lengths(24, 0.8, 160), Lengths(16, 1.0, 128)


def _requests(seed: int, per_second: float = 16.0) -> list[workload.Request]:
    return workload.requests(seed, 400, workload.zipf(1000), _PROMPTS, _ANSWERS, per_second)


def test_a_seed_gives_the_same_requests_and_another_others() -> None:
    """Both sides of a pair are asked the same."""
    assert _requests(1) == _requests(1)
    assert _requests(1) != _requests(2)


def test_lengths_have_a_long_tail_and_an_end() -> None:
    """So that a batch waits for its longest."""
    answers = [request.new_tokens for request in _requests(3)]

    assert 12 <= statistics.median(answers) <= 20
    assert statistics.fmean(answers) > 1.2 * statistics.median(answers)
    assert min(answers) >= 1
    assert max(answers) == 128
    assert max(len(request.prompt) for request in _requests(3)) <= 160


def test_arrivals_have_their_rate_or_come_at_once() -> None:
    """400 at 16 in a second take 25 s."""
    times = [request.at for request in _requests(4)]

    assert times == sorted(times)
    assert 20 < times[-1] < 30
    assert {request.at for request in _requests(4, math.inf)} == {0.0}


def test_adapters_are_asked_for_by_zipfs_law() -> None:
    """The first by one in 7.5 of a thousand, and half of all by those behind the first 30."""
    asked = [request.adapter for seed in range(10) for request in _requests(seed)]

    assert 0.11 < asked.count(0) / len(asked) < 0.16
    assert 0.40 < sum(adapter >= 32 for adapter in asked) / len(asked) < 0.52
