"""`./lorax bench g4|g4b|g6|latency`: the router, measured with a shard that computes nothing."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import programs
from failure import Failure
from places import CHECKOUT, ROUTER_JAR
from rehearsal.serving import PROGRAMS
from stages import Stages
from toolchain import java_home

sys.path.insert(0, str(CHECKOUT / "bench"))

import g4
import g6
import latency
from ratios import Row
from streams import Setting, StreamsError

_BENCH = CHECKOUT / "bench"
_Measure = Callable[[Setting, int, Callable[[str], None]], tuple[list[Row], dict[str, Any]]]
_MEASURES: Mapping[str, _Measure] = {
    "g4": g4.cost,
    "g4b": g4.busy,
    "g6": g6.measure,
    "latency": latency.measure,
}
GOALS: Mapping[str, str] = {
    "g4": "CPU per streamed token",
    "g4b": "how busy the shard is",
    "g6": "64 adapters in 8 places",
    "latency": "first and next tokens at 1, 64 and 512 streams",
}
PLOT = "ratios_plot.py"


def measure(stages: Stages, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """The router with its own JVM options between a load generator and a scripted shard."""
    programs.jars(stages, "router")
    program = PROGRAMS["lorax-router"]
    setting = Setting(
        java=java_home() / "bin" / "java",
        flags=[f"@{program.options}"],
        router=program.jar,
        classes=_classes(stages),
        model=CHECKOUT / "router" / "src" / "test" / "resources" / "model",
    )
    try:
        measure_goal = _MEASURES[options.goal]
        return measure_goal(setting, options.pairs, lambda text: print(text, flush=True))
    except StreamsError as reason:
        raise Failure(str(reason)) from None


def _classes(stages: Stages) -> Path:
    made = CHECKOUT / "target" / "bench-classes"
    sources = sorted((_BENCH / "java").rglob("*.java"))
    javac = java_home() / "bin" / "javac"
    command = [str(javac), "-d", str(made), "-cp", str(ROUTER_JAR), *map(str, sources)]
    stages.run("bench programs", command)
    return made
