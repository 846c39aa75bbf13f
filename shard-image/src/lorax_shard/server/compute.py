"""The one thread that touches the model, and what ends the process when that thread is lost."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from lorax_shard.server.device import device_failure
from lorax_shard.server.endings import ExitCode, end_now

_P = ParamSpec("_P")
_T = TypeVar("_T")
_LOG = logging.getLogger(__name__)
_WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    began: float  # time.monotonic()


class ComputeThread:
    """Runs calls one after another, in the order in which they were made.

    The event loop only awaits them, so that health and discovery answer while a step runs. A call
    that takes longer than the timeout ends the process: nothing can interrupt a hanging kernel, and
    the launcher knows what to do about a shard that is gone.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._call: _Call | None = None
        self._news: deque[Callable[[], None]] = deque()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")
        threading.Thread(target=self._watch, name="step-watchdog", daemon=True).start()

    async def run(
        self, function: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs
    ) -> _T:
        """The function's result. A caller that goes away does not stop a call that has begun."""
        return await asyncio.wrap_future(self.give(function, *arguments, **options))

    def give(
        self, function: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs
    ) -> Future[_T]:
        """Gives a call to the thread and does not wait for it. From any thread.

        What is held is told before it begins.
        """

        def told() -> _T:
            self.tell()
            return function(*arguments, **options)

        told.__name__ = getattr(function, "__name__", "call")
        return self.follow(told)

    def follow(
        self, function: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs
    ) -> Future[_T]:
        """The same for a call that tells what is held by itself, when it has something to do.

        What else has been given to the thread meanwhile comes first.
        """
        name = getattr(function, "__name__", "call")

        def watched() -> _T:
            self._call = _Call(name, time.monotonic())
            try:
                return function(*arguments, **options)
            except Exception as error:
                _end_if_broken(name, error)
                raise
            finally:
                self._call = None

        return self._executor.submit(watched)

    def hold(self, news: Callable[[], None]) -> None:
        """Has something told at a good moment: whoever it wakes takes Python's lock from a step.

        A call that follows must have been given to the thread.
        """
        self._news.append(news)

    def tell(self) -> None:
        """Tells what is held, if anything is."""
        while True:
            try:
                news = self._news.popleft()
            except IndexError:
                return
            news()

    async def run_long(
        self, function: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs
    ) -> _T:
        """The same for what has no fixed duration: loading a model, warming up."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*arguments, **options))

    @property
    def is_busy(self) -> bool:
        """Whether a call runs now, those of run_long aside."""
        return self._call is not None

    def close(self) -> None:
        """Drops calls that have not begun; does not wait for the one that runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self.tell()

    def _watch(self) -> None:
        while True:
            time.sleep(min(_WATCH_SECONDS, self._timeout_s / 4))
            call = self._call
            if call is not None and time.monotonic() - call.began > self._timeout_s:
                end_now(
                    ExitCode.STEP_TIMED_OUT,
                    f"{call.name} did not end within {self._timeout_s:g} s (LORAX_STEP_TIMEOUT_S): "
                    "the shard ends so that the group can start again",
                )


def _end_if_broken(name: str, error: Exception) -> None:
    failure = device_failure(wait=True)
    if failure is not None:
        end_now(
            ExitCode.DEVICE_BROKEN,
            f"{name} failed with {type(error).__name__} and the GPU answers every further call "
            f"with the same error: {failure}; the shard ends so that the group can start again",
        )
