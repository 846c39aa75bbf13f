"""The one thread that touches the model."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class ComputeThread:
    """Runs calls one after another, in the order in which they were made.

    The event loop only awaits them, so that health and discovery answer while a step runs.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="compute")

    async def run(
        self, function: Callable[_P, _T], *arguments: _P.args, **options: _P.kwargs
    ) -> _T:
        """The function's result. A caller that goes away does not stop a call that has begun."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: function(*arguments, **options))

    def close(self) -> None:
        """Drops calls that have not begun; does not wait for the one that runs."""
        self._executor.shutdown(wait=False, cancel_futures=True)
