"""The GPU's goals, tried on a CPU: they run, and no row of a mixed step is wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

_BENCH = Path(__file__).resolve().parent.parent
_SHARD = _BENCH.parent / "shard-image" / "src"


def test_the_goals_of_a_gpu_run_on_a_cpu(tmp_path: Path) -> None:
    """Whether floors hold says nothing here, so the exit code does not either."""
    out = tmp_path / "gpu.json"
    short = ["--seconds", "2", "--prompt", "16", "--steps", "8", "--out", str(out)]
    environment = os.environ | {"PYTHONPATH": str(_SHARD), "CUDA_VISIBLE_DEVICES": ""}

    done = subprocess.run(
        [sys.executable, str(_BENCH / "gpu.py"), "tiny", *short],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert out.exists(), done.stderr
    result = json.loads(out.read_text())
    assert [row["case"].partition(":")[0] for row in result["rows"]] == ["H1", "H2", "H2", "H4"]
    assert all(row["ours"] > 0 for row in result["rows"])
    assert result["fuzz"]["cases"] > 20
    assert result["fuzz"]["wrong"] == 0
