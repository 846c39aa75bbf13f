"""`./lorax fmt` and `./lorax lint`: the form of the code, mended or checked."""

import os
from pathlib import Path

import programs
import python_environment
from places import CHECKOUT
from stages import Stages
from toolchain import build_environment, maven

_SHARD = CHECKOUT / "shard-image"
_CLUSTER = CHECKOUT / "e2e" / "cluster"
_PEER = CHECKOUT / "bench" / "peer"
_PYTHON = ["lorax", "start", "bench", "images", "shard-image", "e2e/local"]


def fmt(arguments: list[str]) -> int:
    """Brings all code into its form."""
    stages = Stages()
    python = python_environment.python(stages, "test")
    stages.run("java form", maven("--quiet", "spotless:apply"), env=build_environment())
    stages.run("python form", [str(python), "-m", "ruff", "format", *_PYTHON])
    stages.run("python order", [str(python), "-m", "ruff", "check", "--fix", *_PYTHON])
    stages.run("go form", ["gofmt", "-w", str(_CLUSTER), str(_PEER)])
    return 0


def lint(arguments: list[str]) -> int:
    """Checks form, types and layers, and compiles the Java programs with their analysers."""
    stages = Stages()
    python = python_environment.python(stages, "test")
    programs.protocol_code(stages, python)
    check_python(stages, python)
    check_go(stages)
    programs.forget_quick_classes()
    stages.run("java analysis", maven("--quiet", "test-compile"), env=build_environment())
    return 0


def check_python(stages: Stages, python: Path) -> None:
    """Formatter, linter, types and layer rules of the Python code."""
    module = [str(python), "-m"]
    stages.run("python form", [*module, "ruff", "format", "--check", *_PYTHON])
    stages.run("python lint", [*module, "ruff", "check", *_PYTHON])
    stages.run(
        "python types", [*module, "mypy", "--strict", "start", "bench", "images", "e2e/local"]
    )
    stages.run("shard types", [*module, "mypy"], directory=_SHARD)
    stages.run("demo types", [*module, "mypy"], directory=_SHARD / "demo")
    stages.run(
        "shard layers",
        [str(python.parent / "lint-imports")],
        directory=_SHARD,
        env={**os.environ, "PYTHONPATH": str(_SHARD / "src")},
    )


def check_go(stages: Stages) -> None:
    """Formatter and vet of the Kubernetes program and of the benchmarks' peer."""
    formatted = f'test -z "$(gofmt -l {_CLUSTER} {_PEER} | tee /dev/stderr)"'
    stages.run("go form", ["sh", "-c", formatted])
    for name, module in (("go vet", _CLUSTER), ("peer vet", _PEER)):
        stages.run(name, ["go", "vet", "./..."], directory=module, env=go_environment())


def go_environment() -> dict[str, str]:
    """The flags of the cluster's own build, so that vet and tests find its packages compiled."""
    flags = f"{os.environ.get('GOFLAGS', '')} -trimpath".strip()
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": flags}
