"""Stages: named pieces of work with a log file, an elapsed time and a line when they end."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from failure import Failure
from places import CHECKOUT, LOGS

_TAIL_LINES = 40
_HEARTBEAT_SECONDS = 30.0


@dataclass
class Stages:
    """Runs stages and remembers how long each took. Safe to use from two threads."""

    total: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    started: int = 0

    def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        directory: Path = CHECKOUT,
    ) -> None:
        """Runs one command as a stage; its output goes to a log file, shown when it fails."""
        log = LOGS / f"{name.replace(' ', '-')}.log"
        self.call(name, lambda: _execute(name, command, env, directory, log))

    def call(self, name: str, work: Callable[[], object]) -> None:
        """Runs a function as a stage and prints its name, then its time."""
        self.started += 1
        place = f"[{self.started}/{self.total}] " if self.total else ""
        begin = time.monotonic()
        done = threading.Event()
        pulse = threading.Thread(target=_pulse, args=(place + name, begin, done), daemon=True)
        pulse.start()
        try:
            work()
        except BaseException:
            _line(f"{place}{name}: failed after {time.monotonic() - begin:.0f} s")
            raise
        finally:
            done.set()
            pulse.join()
            self.seconds[name] = time.monotonic() - begin
        _line(f"{place}{name}: {self.seconds[name]:.0f} s")

    def table(self) -> str:
        """The time of each stage, a line each."""
        width = max((len(name) for name in self.seconds), default=0)
        return "\n".join(f"  {name:<{width}}  {s:6.0f} s" for name, s in self.seconds.items())


def _execute(
    name: str, command: Sequence[str], env: Mapping[str, str] | None, directory: Path, log: Path
) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        code = subprocess.run(
            list(command),
            cwd=directory,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if code != 0:
        tail = log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        print("\n".join(tail), flush=True)
        raise Failure(f"{name} ended with exit code {code}; its whole output is in {log}")


def _pulse(label: str, begin: float, done: threading.Event) -> None:
    """Shows that work goes on: a running clock on a terminal, a rare line elsewhere."""
    terminal = sys.stdout.isatty()
    if not terminal:
        _line(f"{label} ...")
    while not done.wait(1.0 if terminal else _HEARTBEAT_SECONDS):
        elapsed = time.monotonic() - begin
        if terminal:
            print(f"\r\033[K{label} ... {elapsed:.0f} s", end="", flush=True)
        else:
            _line(f"{label} ... {elapsed:.0f} s so far")


def _line(text: str) -> None:
    clear = "\r\033[K" if sys.stdout.isatty() else ""
    print(f"{clear}{text}", flush=True)
