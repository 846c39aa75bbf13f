"""The Python environment of the shard, kept outside the checkout and keyed by its requirements."""

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
    if sys.version_info < _OLDEST:
        raise Failure(
            f"the shard needs Python {_OLDEST[0]}.{_OLDEST[1]} or newer, "
            f"this is {sys.version.split()[0]}; start ./lorax with a newer python3"
        )
    pins = PROJECT / "requirements" / f"{extras or 'serve'}.txt"
    key = content_key([pins], sys.version)
    home = cache() / f"venv-{extras or 'serve'}-{key}"
    interpreter = home / "bin" / "python"
    stages.call("python environment", lambda: _create(home, pins))
    return interpreter


def _create(home: Path, pins: Path) -> None:
    if (home / "complete").exists():
        return
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


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(
            f"could not make the Python environment: {' '.join(command)} ended with exit "
            f"code {done.returncode}:\n{(done.stderr or done.stdout).strip()[-2000:]}"
        )
