"""How fast adapters are loaded while steps run on the same cores."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lorax_shard.adapters.reader import GiveWay

# Of the time, for a load that follows another and that nobody waits for.
_SHARE = 0.03
# Of the time after a load, which is made up for when so much of it has passed.
_MADE_UP = 0.06
# Waiting costs as much as a fraction of this, so it is not done more often.
_SLICE_SECONDS = 0.001


class LoadPace:
    """Has loads that follow one another give way to steps.

    All threads of a step wait for the one whose core a load uses. One load now and then runs as
    fast as it can, since a request waits for it; so do loads that others wait for. Else they take
    a small share of the time, until those before have been made up for.
    """

    def __init__(self, steps_run: Callable[[], bool]) -> None:
        """steps_run: whether a step runs now that would feel a load."""
        self._steps_run = steps_run
        self._lock = threading.Lock()
        self._running = 0
        self._others_wait = threading.Event()
        self._made_up_from = 0.0  # time.monotonic()

    @contextmanager
    def load(self) -> Iterator[GiveWay]:
        """Around a load, in its thread; it calls what it is given again and again."""
        with self._lock:
            self._running += 1
            if self._running > 1:
                self._others_wait.set()
            follows = time.monotonic() < self._made_up_from
        began = last = time.thread_time()

        def give_way() -> None:
            nonlocal last
            taken = time.thread_time() - last
            if taken < _SLICE_SECONDS:
                return
            if follows and self._steps_run():
                self._others_wait.wait(taken / _SHARE - taken)
            last = time.thread_time()

        try:
            yield give_way
        finally:
            taken = time.thread_time() - began
            with self._lock:
                self._running -= 1
                if self._running < 2:
                    self._others_wait.clear()
                self._made_up_from = time.monotonic() + taken / _MADE_UP
