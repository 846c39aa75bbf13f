"""`./lorax bench g2b|g3b`: the whole server on a random model."""

import argparse
import os
import sys
from collections.abc import Mapping
from typing import Any

import programs
import python_environment
import random_models
from failure import Failure
from places import CHECKOUT
from rehearsal.serving import Serving
from stages import Stages

sys.path.insert(0, str(CHECKOUT / "bench"))

import served
from ratios import Row
from replica import ReplicaError
from side import DecodeError
from side import Setting as Models

GOALS: Mapping[str, str] = {
    "g2b": "1000 adapters in 32 places / 32 adapters, the whole server",
    "g3b": "the whole server / transformers with PEFT",
}
PLOT = "ratios_plot.py"
_SHAPE = "135m"
_ADAPTERS = 32


def measure(stages: Stages, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """The server as it is installed; the peer lives in the environment of the tests."""
    python = python_environment.python(stages)
    testing = python_environment.python(stages, "test")
    programs.jars(stages, "launcher", "router")
    programs.protocol_code(stages, testing)
    programs.cpu_kernels(stages, python)
    folder = programs.wrappers(python, programs.startup_caches(stages, Serving(python)))
    models = {_SHAPE: random_models.folder(stages, testing, _SHAPE, _ADAPTERS)}
    source = {**os.environ, "PYTHONPATH": str(CHECKOUT / "shard-image" / "src")}
    setting = served.Setting(
        launcher=folder / "lorax-launcher",
        environment=programs.with_wrappers(folder),
        models=Models(testing, source, models),
    )
    try:
        outcome = served.GOALS[options.goal](
            setting, options.pairs, lambda text: print(text, flush=True)
        )
    except (DecodeError, ReplicaError) as reason:
        raise Failure(str(reason)) from None
    return outcome.rows, outcome.details
