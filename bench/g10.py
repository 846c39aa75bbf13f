"""G10: streams while everything is replaced, and streams whose shard is killed.

The first row is a story of the embedded cluster (`ManyStreamsBench` of e2e): it says how many
streams there were and how many of them were refused, cut or altered. The second is measured here,
with launcher, shard and router as processes: whenever hundreds of streams run, their shard gets
SIGKILL, and of the streams that ran then those count that end byte for byte as in a quiet run.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kept_streams import Streams, first_difference
from ratios import Interval, Row
from replica import Replica, ReplicaError

_SUBJECTS = ("the sea", "a letter", "bread", "an old map", "rain", "the night train", "größe 🦙")
_ADAPTERS = ("", "0", "1", "2")
_KILLS = 10
_STREAMS = 512
_TOKENS = 200
_DEADLINE_SECONDS = 180.0

Report = Callable[[str], None]


@dataclass(frozen=True)
class Setting:
    """The launcher's program, a small model with adapters below `adapters`, and what is on PATH."""

    launcher: Path
    model: Path
    environment: Mapping[str, str]


def replaced(story: Path) -> tuple[Row, dict[str, Any]]:
    """The row that the story's file tells, and how often what was replaced."""
    told = json.loads(story.read_text())
    streams, wrong = told["streams"], told["wrong"]
    name = "replicas replaced, streams refused, cut or altered"
    row = Row(name, Interval(wrong, wrong, wrong), 0, 0, wrong, streams, "streams")
    return row, {"replacements": told["replacements"]}


def killed(setting: Setting, report: Report) -> tuple[Row, dict[str, Any]]:
    """The share of streams that a killed shard did not harm."""
    arguments = [
        "--model-id",
        str(setting.model),
        "--dtype",
        "float32",  # of random weights many tokens are nearly as likely as the likeliest
        "--adapter-source",
        "local",
        "--adapter-root",
        str(setting.model / "adapters"),
        "--max-restarts",
        str(_KILLS),
        # Whether streams go on is asked here, not how soon; the pause doubles with each death.
        "--restart-backoff",
        "100ms",
        "--max-concurrent-requests",
        str(_STREAMS),
    ]
    replica = Replica(setting.launcher, arguments, setting.environment)
    try:
        replica.first_token()
        return _kills(replica, report)
    finally:
        replica.stop()


def _kills(replica: Replica, report: Report) -> tuple[Row, dict[str, Any]]:
    bodies = [_body(number) for number in range(_STREAMS)]
    quiet = _whole(Streams(replica.port, bodies))
    ran, wrong, pauses = 0, [], []
    for kill in range(_KILLS):
        streams = Streams(replica.port, bodies)
        _wait_for(streams, 1 + kill * _TOKENS // (2 * _KILLS))
        running = streams.running()
        replica.kill_shard()
        got = streams.wait()
        differences = (first_difference(quiet[number], got[number]) for number in running)
        wrong += [difference for difference in differences if difference]
        ran += len(running)
        pauses.append(round(streams.longest_pause(), 1))
        report(f"kill {kill + 1}: {len(running)} streams ran, {len(wrong)} wrong so far")
    resumed = (ran - len(wrong)) / ran
    name = "shard killed, streams that went on to the byte"
    row = Row(name, Interval(resumed, resumed, resumed), 0.999, 1, ran - len(wrong), ran, "streams")
    return row, {"pauses": pauses, "wrong": wrong}


def _whole(streams: Streams) -> list[list[str]]:
    """The events of a quiet run; raises ReplicaError where one is not whole."""
    events = streams.wait()
    if failures := streams.failures():
        raise ReplicaError(f"{len(failures)} streams of the quiet run failed, first {failures[0]}")
    cut = [each for each in events if "generated_text" not in each[-1]]
    if cut:
        raise ReplicaError(f"{len(cut)} streams of the quiet run were cut, first {cut[0][-1]}")
    return events


def _wait_for(streams: Streams, events: int) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while streams.least() < events:
        if time.monotonic() > deadline:
            raise ReplicaError(f"expected {events} events of each stream, got {streams.least()}")
        time.sleep(0.01)


def _body(number: int) -> dict[str, Any]:
    subject = _SUBJECTS[number % len(_SUBJECTS)]
    adapter = _ADAPTERS[number // len(_SUBJECTS) % len(_ADAPTERS)]
    named = {"adapter_id": adapter} if adapter else {}
    limits = {"max_new_tokens": _TOKENS, "ignore_eos_token": True}
    return {"inputs": f"Tell me about {subject}.", "parameters": {**limits, **named}}
