"""How a test and its members talk: files in one directory, and a diary in it."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

_DIRECTORY = Path(os.environ["SCRIPT_DIRECTORY"])


def asks(behaviour: str) -> bool:
    """Whether the test asked for this behaviour, by a file of this name."""
    return (_DIRECTORY / behaviour).exists()


def wait_while_asked(behaviour: str) -> None:
    """Returns at once, or when the test has changed its mind."""
    while asks(behaviour):
        time.sleep(0.01)


def record(event: str) -> None:
    """One line in the common diary; lines of several processes stay whole and in order."""
    with (_DIRECTORY / "diary").open("ab", buffering=0) as diary:
        diary.write(f"{event}\n".encode())


def started(member: str) -> None:
    """Tells the test who runs here and with which arguments."""
    record(f"{member} started pid={os.getpid()} {' '.join(sys.argv[1:])}")


def option(name: str) -> str:
    """The value of a command line option."""
    return sys.argv[sys.argv.index(name) + 1]


def at_sigterm(action: Callable[[], None]) -> None:
    """Runs the action in the main thread, which must therefore not block for long."""
    signal.signal(signal.SIGTERM, lambda *_: action())


def sleep_for_ever() -> None:
    """Leaves the process to its signals and to its other threads."""
    while True:
        # Short, because a signal just before a sleep is handled after it.
        time.sleep(0.2)
