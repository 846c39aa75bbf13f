"""`./lorax bench g8`: from a start to a token."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import demo_models
import programs
import python_environment
from failure import Failure
from places import CHECKOUT, cache
from rehearsal.serving import Serving
from stages import Stages

sys.path.insert(0, str(CHECKOUT / "bench"))

import g8
from ratios import Row
from replica import ReplicaError

GOALS: Mapping[str, str] = {"g8": "from a start to a token"}
PLOT = "phases_plot.py"


def measure(stages: Stages, options: argparse.Namespace) -> tuple[list[Row], dict[str, Any]]:
    """A replica against the bare weight read, in turn."""
    python = python_environment.python(stages)
    programs.jars(stages, "launcher", "router")
    programs.protocol_code(stages, python)
    programs.cpu_kernels(stages, python)
    folder = programs.wrappers(python, programs.startup_caches(stages, Serving(python)))
    setting = _setting(stages, python, folder)
    try:
        outcome = g8.measure(setting, options.pairs, lambda text: print(text, flush=True))
    except ReplicaError as reason:
        raise Failure(str(reason)) from None
    return outcome.rows, outcome.details


def _setting(stages: Stages, python: Path, folder: Path) -> g8.Setting:
    model = demo_models.gguf(stages)
    models = cache() / "models"
    converted = programs.convert(stages, folder, model, models)
    environment = {
        **programs.with_wrappers(folder),
        "HUGGINGFACE_HUB_CACHE": str(models),
    }
    # Set, it would make Python compile our modules anew at every start, which no user's does.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return g8.Setting(
        launcher=folder / "lorax-launcher",
        model=model,
        weights=converted / "model.safetensors",
        python=python,
        environment=environment,
    )
