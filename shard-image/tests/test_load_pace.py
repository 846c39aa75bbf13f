"""Loads beside steps: which of them take their time, and what makes them hurry."""

import threading
import time
from collections.abc import Callable

import pytest

from lorax_shard.server.load_pace import LoadPace

# A load of so much CPU waits for seconds where it gives way; nothing else here takes that long.
_LOAD_SECONDS = 0.2
_SOON, _LONG = 2.0, 30.0


class Loads:
    """Loads of a made-up adapter, each in a thread of its own."""

    def __init__(self, steps_run: bool = True) -> None:
        self.steps_run = steps_run
        self.pace = LoadPace(lambda: self.steps_run)

    def begin(self, held: threading.Event | None = None) -> threading.Thread:
        """held: keeps the load from ending until it is set."""
        thread = threading.Thread(target=self._load, args=(held,), daemon=True)
        thread.start()
        return thread

    def _load(self, held: threading.Event | None) -> None:
        with self.pace.load() as give_way:
            end = time.thread_time() + _LOAD_SECONDS
            while time.thread_time() < end:
                pass
            give_way()
            if held is not None:
                held.wait(_LONG)


def ended(load: threading.Thread, within: float) -> bool:
    load.join(within)
    return not load.is_alive()


def test_a_load_alone_goes_at_once() -> None:
    assert ended(Loads().begin(), within=_SOON)


def test_a_load_that_follows_another_gives_way() -> None:
    loads = Loads()
    assert ended(loads.begin(), within=_SOON)

    second = loads.begin()

    assert not ended(second, within=_SOON)
    assert ended(second, within=_LONG)


def another_load(loads: Loads) -> None:
    loads.begin(threading.Event())


def no_step(loads: Loads) -> None:
    loads.steps_run = False


@pytest.mark.parametrize("hurries", [another_load, no_step])
def test_it_does_not_where_nobody_gains_by_it(hurries: Callable[[Loads], None]) -> None:
    """Others wait for it, or nothing runs beside it."""
    loads = Loads()
    assert ended(loads.begin(), within=_SOON)
    hurries(loads)

    assert ended(loads.begin(), within=_SOON)


def test_one_that_gives_way_hurries_when_another_comes() -> None:
    loads = Loads()
    assert ended(loads.begin(), within=_SOON)
    second = loads.begin()
    assert not ended(second, within=_SOON / 2)

    third = loads.begin()

    assert ended(second, within=_SOON)
    assert ended(third, within=_LONG)


def test_what_was_made_up_for_is_forgotten() -> None:
    loads = Loads()
    assert ended(loads.begin(), within=_SOON)
    time.sleep(_LOAD_SECONDS / 0.06 + 0.1)

    assert ended(loads.begin(), within=_SOON)


def test_a_load_that_fails_leaves_nothing_behind() -> None:
    pace = LoadPace(lambda: True)
    for _ in range(2):
        with pytest.raises(RuntimeError), pace.load():
            raise RuntimeError

    held = threading.Event()
    loads = Loads()
    loads.pace = pace
    assert ended(loads.begin(), within=_SOON)
    second = loads.begin(held)
    assert not ended(second, within=_SOON)
    held.set()
    assert ended(second, within=_LONG)
