"""G8: how long a replica takes from its start, or its shard's death, to a token.

Against what no server in Python can do without: interpreter, import torch, reading the weights.
"""

import os
import re
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ratios import Pair, Row, ratio_row
from replica import Moment, Replica, ReplicaError

_FLOOR, _TARGET = 1.3, 1.1
_SETTLE_SECONDS = 30.0
_WEIGHT_READ = Path(__file__).resolve().parent / "weight_read.py"
# A phase ends with the first line that matches. The texts are those of launcher, shard and router.
_RESTART = (
    ("launcher: JVM, model at hand", r"^loading the shards$"),
    ("shard: interpreter, imports, weights", r"^loaded .* as shard"),
    ("shard: socket; launcher: sees it", r"^all shards ready$"),
    ("router: JVM", r"^router starts$"),
    ("router: tokenizer, connect; shard: warm-up", r"^shards connected$"),
    ("router: listens; launcher: sees it", r"^router ready$"),
    ("first token", r"^first token$"),
)
_EPOCH = (
    ("launcher: sees the end, pause", r"^shards started, loading the model$"),
    ("shard: interpreter, imports, weights", r"^loaded .* as shard"),
    ("shard: socket; launcher: sees it", r"^all shards ready$"),
    ("router: connects; shard: warm-up", r"^shards connected$"),
    ("first token", r"^first token$"),
)


@dataclass(frozen=True)
class Phase:
    """One stretch of a way to the first token, in seconds."""

    name: str
    wall: float
    cpu: float


@dataclass(frozen=True)
class Way:
    """From a start to a token."""

    phases: Sequence[Phase]
    answer: str
    cpu_by_role: dict[str, float]

    @property
    def wall(self) -> float:
        """Seconds in all."""
        return sum(phase.wall for phase in self.phases)

    @property
    def cpu(self) -> float:
        """CPU-seconds of all members in all."""
        return sum(phase.cpu for phase in self.phases)


@dataclass(frozen=True)
class Setting:
    """What is measured: our launcher with its model, and the interpreter of the peer."""

    launcher: Path
    model: Path
    weights: Path
    python: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class Outcome:
    """The rows, and the phases of the pair whose restart took the median CPU time."""

    rows: list[Row]
    details: dict[str, Any]


def measure(setting: Setting, pairs: int, say: Callable[[str], None]) -> Outcome:
    """Runs the pairs in turn; void (ReplicaError) when two replicas answer differently."""
    load = os.getloadavg()
    peers: list[Way] = []
    restarts: list[Way] = []
    epochs: list[Way] = []
    # Unmeasured: after it the files are in the page cache and Python's bytecode is written.
    _weight_read(setting)
    _replica(setting)
    for number in range(1, pairs + 1):
        peers.append(_weight_read(setting))
        restart, epoch = _replica(setting)
        restarts.append(restart)
        epochs.append(epoch)
        say(
            f"pair {number} of {pairs}: weight read {peers[-1].cpu:.2f} CPU-s, "
            f"restart {restart.cpu:.2f}, next epoch {epoch.cpu:.2f}"
        )
    _require_one_answer([*restarts, *epochs])
    return Outcome(
        rows=_rows(peers, restarts, epochs),
        details={
            "load_average": {"before": _rounded(load), "after": _rounded(os.getloadavg())},
            "phases": {
                "weight read": _median_phases(peers),
                "restart": _median_phases(restarts),
                "next epoch": _median_phases(epochs),
            },
            # In the next epoch what the dead shard used has become its parent's.
            "cpu_by_member_at_restart": _median_way(restarts).cpu_by_role,
        },
    )


def phases(start: Moment, moments: Sequence[Moment], ends: Sequence[tuple[str, str]]) -> Way:
    """Cuts a log into phases; ReplicaError names the line that never came."""
    cut: list[Phase] = []
    last = start
    rest = [moment for moment in moments if moment.wall >= start.wall]
    for name, pattern in ends:
        index = next((i for i, m in enumerate(rest) if re.search(pattern, m.text)), None)
        if index is None:
            raise ReplicaError(f"phase {name!r} has no end: no line of the log matches {pattern}")
        end = rest[index]
        cut.append(Phase(name, end.wall - last.wall, end.cpu_seconds - last.cpu_seconds))
        last, rest = end, rest[index:]
    spent = {role: round(cpu - start.cpu.get(role, 0.0), 2) for role, cpu in last.cpu.items()}
    return Way(cut, "", spent)


def _replica(setting: Setting) -> tuple[Way, Way]:
    """A restart, then the way to the next epoch after kill -9 of the shard."""
    arguments = ["--model-id", str(setting.model)]
    replica = Replica(setting.launcher, arguments, setting.environment)
    try:
        answer, token = replica.first_token()
        restart = phases(
            replica.start, [*_settled(replica, replica.start, _RESTART), token], _RESTART
        )
        killed = replica.kill_shard()
        again, second = replica.first_token()
        epoch = phases(killed, [*_settled(replica, killed, _EPOCH), second], _EPOCH)
    finally:
        replica.stop()
    return (
        Way(restart.phases, answer, restart.cpu_by_role),
        Way(epoch.phases, again, epoch.cpu_by_role),
    )


def _settled(replica: Replica, start: Moment, ends: Sequence[tuple[str, str]]) -> list[Moment]:
    """The log, when the line that ends the last phase before the token has come through the pipe.

    A replica may answer before its launcher has heard that it can.
    """
    _, last = ends[-2]
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        moments = replica.moments()
        if any(m.wall >= start.wall and re.search(last, m.text) for m in moments):
            return moments
        time.sleep(0.1)
    return replica.moments()


def _weight_read(setting: Setting) -> Way:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    done = subprocess.run(
        [str(setting.python), str(_WEIGHT_READ), str(setting.weights)],
        capture_output=True,
        text=True,
        check=True,
        env=setting.environment,
    )
    wall = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    read_wall, read_cpu = map(float, done.stdout.split())
    return Way(
        [
            Phase("interpreter, import torch", wall - read_wall, cpu - read_cpu),
            Phase("weight read", read_wall, read_cpu),
        ],
        "",
        {"peer": round(cpu, 2)},
    )


def _rows(peers: Sequence[Way], restarts: Sequence[Way], epochs: Sequence[Way]) -> list[Row]:
    def pairs(ways: Sequence[Way], unit: str) -> list[Pair]:
        take: Callable[[Way], float] = (lambda w: w.cpu) if unit == "CPU-s" else (lambda w: w.wall)
        return [Pair(take(way), take(peer)) for way, peer in zip(ways, peers, strict=True)]

    return [
        ratio_row("restart of a replica", pairs(restarts, "CPU-s"), "CPU-s", _FLOOR, _TARGET),
        ratio_row("restart of a replica", pairs(restarts, "s"), "s", _FLOOR, _TARGET),
        ratio_row("next epoch after kill -9 of the shard", pairs(epochs, "CPU-s"), "CPU-s"),
        ratio_row("next epoch after kill -9 of the shard", pairs(epochs, "s"), "s"),
    ]


def _require_one_answer(ways: Sequence[Way]) -> None:
    answers = {way.answer for way in ways}
    if len(answers) != 1:
        raise ReplicaError(f"void: replicas answered differently: {sorted(answers)}")


def _median_way(ways: Sequence[Way]) -> Way:
    return sorted(ways, key=lambda way: way.cpu)[len(ways) // 2]


def _median_phases(ways: Sequence[Way]) -> list[dict[str, Any]]:
    return [
        {"phase": phase.name, "wall_s": round(phase.wall, 3), "cpu_s": round(phase.cpu, 3)}
        for phase in _median_way(ways).phases
    ]


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(value, 1) for value in values]
