"""`./lorax bench`: measures a goal, prints its ratios, keeps and draws the result."""

import argparse
import sys
from collections.abc import Mapping
from typing import Any, Protocol

import decode_bench
import operator_bench
import python_environment
import restart_bench
import router_bench
import served_bench
import stream_bench
from places import CHECKOUT
from stages import Stages

sys.path.insert(0, str(CHECKOUT / "bench"))

import result as results
from ratios import FEWEST_PAIRS, Row

_BENCH = CHECKOUT / "bench"


class Area(Protocol):
    """What is measured together: goals with their meanings, how, and the script that draws them."""

    GOALS: Mapping[str, str]
    PLOT: str

    def measure(
        self, stages: Stages, options: argparse.Namespace
    ) -> tuple[list[Row], dict[str, Any]]:
        """The rows, and what stands beside them in the file."""


_AREAS: Mapping[str, Area] = {
    goal: area
    for area in (
        decode_bench,
        served_bench,
        router_bench,
        restart_bench,
        operator_bench,
        stream_bench,
    )
    for goal in area.GOALS
}


def bench(arguments: list[str]) -> int:
    """Measures one goal; the exit status is 1 when a floor is not reached."""
    options = _parse(arguments)
    area = _AREAS[options.goal]
    stages = Stages()
    plots = python_environment.of(stages, "plot environment", "plot", _BENCH / "requirements.txt")
    rows, details = area.measure(stages, options)
    command = " ".join(["./lorax bench", *arguments])
    path = results.write(results.document(options.goal.upper(), rows, command, details))
    plot = path.with_suffix(".svg")
    stages.run("plot", [str(plots), str(_BENCH / area.PLOT), str(path), str(plot)])
    print(f"{results.table(rows)}\n{path}\n{plot}")
    return 0 if all(row.holds for row in rows) else 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lorax bench", description="measure a goal as a ratio")
    meanings = (f"{goal}: {area.GOALS[goal]}" for goal, area in _AREAS.items())
    parser.add_argument("goal", choices=list(_AREAS), help="; ".join(meanings))
    parser.add_argument(
        "--pairs",
        type=int,
        default=FEWEST_PAIRS,
        help="measurements of ours and the peer in turn, of g1 to g8; default: %(default)s",
    )
    parser.add_argument(
        "--servers",
        type=int,
        choices=operator_bench.SIZES,
        default=operator_bench.SIZES[-1],
        help="of g9, at most; default: %(default)s",
    )
    parser.add_argument(
        "--fewest-servers",
        type=int,
        choices=operator_bench.SIZES,
        default=operator_bench.SIZES[0],
        help="of g9, where not all sizes are wanted; default: %(default)s",
    )
    parser.add_argument(
        "--streams",
        type=int,
        default=stream_bench.STREAMS,
        help="of g10, at least; default: %(default)s",
    )
    options = parser.parse_args(arguments)
    if options.fewest_servers > options.servers:
        parser.error(
            f"--fewest-servers must be at most --servers {options.servers}, "
            f"got {options.fewest_servers}"
        )
    if options.pairs < FEWEST_PAIRS:
        parser.error(f"--pairs must be at least {FEWEST_PAIRS}, got {options.pairs}")
    return options
