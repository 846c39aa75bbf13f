"""`./lorax bench g9|g11`: the operator with many servers, and killed after each of its writes."""

import argparse
import functools
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import container_images
import form
import programs
import startup_cache
from failure import Failure
from places import CHECKOUT
from rehearsal.operating import Operating
from stages import Stages
from toolchain import java_home
from toolchain import program as tool

sys.path.insert(0, str(CHECKOUT / "bench"))

import api_server
import g9
import g11
import operator_process
from ratios import Row

GOALS: Mapping[str, str] = {
    "g9": "the operator with many servers",
    "g11": "the operator killed after each of its writes",
}
PLOT = "ratios_plot.py"
SIZES = g9.SIZES


def measure(stages: Stages, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """On a real API server with nobody else on it."""
    programs.jars(stages, "operator")
    program = container_images.cluster_program(stages)
    ours = _ours(programs.startup_caches(stages, Operating()))
    definition = CHECKOUT / "crds" / "manifests" / "loraxservers.lorax.dev.yaml"

    def report(text: str) -> None:
        print(text, flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            if options.goal == "g9":
                peer = functools.partial(operator_process.peer, _peer(stages))
                wanted = range(options.fewest_servers, options.servers + 1)
                sizes = tuple(size for size in SIZES if size in wanted)
                many = g9.Setting(program, ours, peer, definition, folder)
                return g9.measure(many, sizes, report)
            with api_server.started(program, folder) as api:
                return g11.measure(api, g11.Setting(ours, definition, folder), report)
        except RuntimeError as reason:
            raise Failure(str(reason)) from None


def _ours(caches: Path) -> operator_process.Program:
    ((name, operator),) = Operating.programs.items()
    flags = [f"@{operator.options}", startup_cache.flag(caches, name)]
    return operator_process.ours(java_home() / "bin" / "java", operator.jar, flags)


def _peer(stages: Stages) -> Path:
    """The controller in Go, built where its sources have changed."""
    built = CHECKOUT / "target" / "bench-peer"
    go = tool("go", "to build the peer", "Go 1.26 or newer")
    command = [go, "build", "-o", str(built), "."]
    directory = CHECKOUT / "bench" / "peer"
    stages.run("peer", command, directory=directory, env=form.go_environment())
    return built
