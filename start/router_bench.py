"""`./lorax bench g4|g4b|g6`: goals of the router, measured with a shard that computes nothing."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import programs
import python_environment
import startup_cache
from failure import Failure
from places import CHECKOUT, ROUTER_JAR
from stages import Stages
from toolchain import java_home

sys.path.insert(0, str(CHECKOUT / "bench"))

import g4
import g6
import result as results
from ratios import Row
from streams import Setting, StreamsError

_BENCH = CHECKOUT / "bench"
_Measure = Callable[[Setting, int, Callable[[str], None]], tuple[list[Row], dict[str, Any]]]
GOALS: Mapping[str, _Measure] = {"g4": g4.cost, "g4b": g4.busy, "g6": g6.measure}


def measure(goal: str, pairs: int) -> int:
    """Measures, keeps and draws; the exit status is 1 when a floor is not reached."""
    stages = Stages()
    plots = python_environment.of(stages, "plot environment", "plot", _BENCH / "requirements.txt")
    programs.jars(stages, "router")
    setting = Setting(
        java=java_home() / "bin" / "java",
        flags=startup_cache.JVM_FLAGS.split(),
        router=ROUTER_JAR,
        classes=_classes(stages),
        model=CHECKOUT / "router" / "src" / "test" / "resources" / "model",
    )
    try:
        rows, details = GOALS[goal](setting, pairs, lambda text: print(text, flush=True))
    except StreamsError as reason:
        raise Failure(str(reason)) from None
    command = f"./lorax bench {goal} --pairs {pairs}"
    path = results.write(results.document(goal.upper(), rows, command, details))
    plot = path.with_suffix(".svg")
    stages.run("plot", [str(plots), str(_BENCH / "ratios_plot.py"), str(path), str(plot)])
    print(f"{results.table(rows)}\n{path}\n{plot}")
    return 0 if all(row.holds for row in rows) else 1


def _classes(stages: Stages) -> Path:
    made = CHECKOUT / "target" / "bench-classes"
    sources = sorted((_BENCH / "java").rglob("*.java"))
    javac = java_home() / "bin" / "javac"
    command = [str(javac), "-d", str(made), "-cp", str(ROUTER_JAR), *map(str, sources)]
    stages.run("bench programs", command)
    return made
