"""The Python environment of the shard, kept outside the checkout and keyed by its requirements."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from failure import Failure
from places import CHECKOUT, cache, content_key
from stages import Stages

PROJECT = CHECKOUT / "shard-image"
_OLDEST = (3, 11)


def python(stages: Stages, extras: str = "") -> Path:
    """The interpreter of an environment that holds the shard's dependencies at pinned versions.

    The shard itself is not installed: it runs from the checkout, so that an edit needs no rebuild.
    """
    name = extras or "serve"
    return of(stages, "python environment", name, PROJECT / "requirements" / f"{name}.txt")


def of(stages: Stages, title: str, name: str, pins: Path) -> Path:
    """The interpreter of an environment that holds what a file of pinned versions lists."""
    if sys.version_info < _OLDEST:
        raise Failure(
            f"the shard needs Python {_OLDEST[0]}.{_OLDEST[1]} or newer, "
            f"this is {sys.version.split()[0]}; start ./lorax with a newer python3"
        )
    home = cache() / f"venv-{name}-{content_key([pins], sys.version)}"
    stages.call(title, lambda: _ensure(home, pins))
    return home / "bin" / "python"


def _ensure(home: Path, pins: Path) -> None:
    if not (home / "complete").exists():
        _create(home, pins)
    if not (home / "compiled").exists():
        _compile(home)


def _create(home: Path, pins: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    interpreter = str(home / "bin" / "python")
    _run(sys.executable, "-m", "venv", str(home))
    # uv resolves and unpacks PyTorch several times faster than pip does.
    _run(interpreter, "-m", "pip", "install", "--quiet", "uv")
    _run(
        interpreter,
        "-m",
        "uv",
        "pip",
        "install",
        "--quiet",
        "--python",
        interpreter,
        "--requirement",
        str(pins),
    )
    (home / "complete").touch()


def _compile(home: Path) -> None:
    """Writes all bytecode once.

    uv does not, and where PYTHONDONTWRITEBYTECODE is set Python never would: every start would
    parse a thousand modules of PyTorch again, which is more than half of its import (measured).
    """
    folder = next((home / "lib").glob("python3*")) / "site-packages"
    # Exit status 1 says that some files, never imported, need a newer Python.
    command = [str(home / "bin" / "python"), "-m", "compileall", "-qq", "-j", "0", str(folder)]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, env=environment, check=False)
    (home / "compiled").touch()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(
            f"could not make the Python environment: {' '.join(command)} ended with exit "
            f"code {done.returncode}:\n{(done.stderr or done.stdout).strip()[-2000:]}"
        )
