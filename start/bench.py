"""`./lorax bench`: measures a goal, prints its ratios, keeps and draws the result."""

import argparse
import sys
from pathlib import Path

import demo_model
import programs
import python_environment
import router_bench
from failure import Failure
from places import CHECKOUT, cache
from stages import Stages

sys.path.insert(0, str(CHECKOUT / "bench"))

import g8
import result as results
from ratios import FEWEST_PAIRS
from replica import ReplicaError

_BENCH = CHECKOUT / "bench"


def bench(arguments: list[str]) -> int:
    """Measures one goal; the exit status is 1 when a floor is not reached."""
    options = _parse(arguments)
    if options.goal in router_bench.GOALS:
        return router_bench.measure(options.goal, options.pairs)
    stages = Stages()
    python = python_environment.python(stages)
    plots = python_environment.of(stages, "plot environment", "plot", _BENCH / "requirements.txt")
    programs.jars(stages, "launcher", "router")
    programs.protocol_code(stages, python)
    programs.cpu_kernels(stages, python)
    folder = programs.wrappers(python, programs.startup_caches(stages, python))
    setting = _setting(stages, python, folder)
    try:
        outcome = g8.measure(setting, options.pairs, lambda text: print(text, flush=True))
    except ReplicaError as reason:
        raise Failure(str(reason)) from None
    command = f"./lorax bench {options.goal} --pairs {options.pairs}"
    document = results.document(options.goal.upper(), outcome.rows, command, outcome.details)
    path = results.write(document)
    plot = path.with_suffix(".svg")
    draw = [str(plots), str(_BENCH / "phases_plot.py"), str(path), str(plot)]
    stages.run("plot", draw)
    print(f"{results.table(outcome.rows)}\n{path}\n{plot}")
    return 0 if all(row.holds for row in outcome.rows) else 1


def _setting(stages: Stages, python: Path, folder: Path) -> g8.Setting:
    model = demo_model.gguf(stages)
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


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="lorax bench", description="measure a goal as a ratio")
    parser.add_argument(
        "goal",
        choices=[*router_bench.GOALS, "g8"],
        help="g4: CPU per streamed token; g4b: how busy the shard is; g6: 64 adapters in 8 places; "
        "g8: from a start to a token",
    )
    parser.add_argument("--pairs", type=int, default=FEWEST_PAIRS, help="default: %(default)s")
    options = parser.parse_args(arguments)
    if options.pairs < FEWEST_PAIRS:
        parser.error(f"--pairs must be at least {FEWEST_PAIRS}, got {options.pairs}")
    return options
