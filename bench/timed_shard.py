"""A shard with stopwatches: timed_shard.py FILE serve … as lorax-server.

It writes a line to FILE for each decode step, in JSON: when the step passed each point (nanoseconds
of the monotonic clock, which all processes of a machine share) and how long its texts took. The
shard is the one that serves; the functions of its compute thread are timed where one calls the
other.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from lorax_shard.server.threads import prepare_threads  # type: ignore[import-not-found]

# Before torch is imported, as lorax_shard.cli does.
prepare_threads(os.environ)
gc.disable()

from lorax_shard.torch_import import import_torch  # type: ignore[import-not-found]  # noqa: E402

import_torch()

from lorax_shard.engine.engine import Engine  # type: ignore[import-not-found]  # noqa: E402
from lorax_shard.engine.tokenizer import TokenTexts  # type: ignore[import-not-found]  # noqa: E402
from lorax_shard.server.command import run  # type: ignore[import-not-found]  # noqa: E402


class Stopwatches:
    """The step that is under way; the compute thread has one at a time."""

    def __init__(self, sink: TextIO) -> None:
        self._sink = sink
        self._step: dict[str, int] = {}
        self._watched: Any = None  # the model, once there is one
        self._observer: Any = None  # the shard's own

    # What an engine tells its observer. Methods of the model are found when there is an engine.
    def begins(self, sequences: Any) -> None:
        """See StepObserver."""
        self._observer.begins(sequences)

    def computed(self) -> None:
        """See StepObserver."""
        self._observer.computed()

    def chosen(self) -> None:
        """The tokens are chosen, and have their texts."""
        self._observer.chosen()
        self._mark("chosen")

    def attach(self) -> None:
        """Times everything that is of a class or a module."""
        self._around(Engine, "decode", self._begins, self._ends)
        self._sum(TokenTexts, "add")

    def _ends(self) -> None:
        self._mark("ended")
        self._sink.write(json.dumps(self._step) + "\n")

    def _begins(self, engine: Any, *_: Any) -> None:
        self._step = {"texts_ns": 0}
        self._mark("began")
        self._observer, engine.observer = engine.observer, self
        if self._watched is not engine.model:
            self._watched = engine.model
            self._around(
                engine.model, "forward",
                lambda *_: self._mark("forward"), lambda: self._mark("computed"),
            )  # fmt: skip

    def _mark(self, point: str, *_: Any) -> None:
        self._step[point] = time.monotonic_ns()

    def _around(
        self, owner: Any, name: str, before: Callable[..., None], after: Callable[[], None] | None
    ) -> None:
        inner = getattr(owner, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            before(*arguments)
            result = inner(*arguments, **options)
            if after is not None:
                after()
            return result

        timed.__name__ = name
        setattr(owner, name, timed)

    def _sum(self, owner: Any, name: str) -> None:
        inner = getattr(owner, name)

        def timed(*arguments: Any) -> Any:
            begin = time.monotonic_ns()
            result = inner(*arguments)
            self._step["texts_ns"] = self._step.get("texts_ns", 0) + time.monotonic_ns() - begin
            return result

        setattr(owner, name, timed)


if __name__ == "__main__":
    with open(sys.argv[1], "w", buffering=1) as stamps:
        Stopwatches(stamps).attach()
        sys.exit(run(sys.argv[2:], os.environ))
