"""The form in which results are kept: bench/results/<goal>.json."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratios import Row

_ROOT = Path(__file__).resolve().parent.parent
RESULTS = _ROOT / "bench" / "results"


def document(
    goal: str, rows: Sequence[Row], command: str, details: Mapping[str, Any]
) -> dict[str, Any]:
    """A result as it is kept; details are what this goal tells beside its rows."""
    return {
        "goal": goal,
        "rows": [_row(row) for row in rows],
        "command": command,
        "commit": _COMMIT,
        "date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "machine": machine(),
        **details,
    }


def write(result: Mapping[str, Any]) -> Path:
    """Keeps a result under its goal's name and returns the path."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{str(result['goal']).lower()}.json"
    path.write_text(json.dumps(result, indent=2) + "\n")
    return path


def table(rows: Sequence[Row]) -> str:
    """The rows for a terminal."""
    width = max(len(row.case) for row in rows)
    return "\n".join(_line(row, width) for row in rows)


def machine() -> dict[str, Any]:
    """What decides speed and names nobody: cores, CPU flags, memory."""
    info = Path("/proc/cpuinfo").read_text()
    flags = re.search(r"^flags\s*:\s*(.*)$", info, re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    known = set(flags.group(1).split()) if flags else set()
    return {
        "cores": os.cpu_count(),
        "cpu_flags": sorted(flag for flag in known if flag.startswith(("avx", "amx", "sha_"))),
        "memory_gib": round(memory / 2**30, 1),
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "case": row.case,
        "ratio": round(row.ratio.median, 3),
        "low": round(row.ratio.low, 3),
        "high": round(row.ratio.high, 3),
        "floor": row.floor,
        "target": row.target,
        "ours": round(row.ours, 3),
        "peer": round(row.peer, 3),
        "unit": row.unit,
    }


def _line(row: Row, width: int) -> str:
    goal = "" if row.floor is None else f"  floor {row.floor}, target {row.target}"
    verdict = "" if row.holds else ": not reached"
    return (
        f"  {row.case:<{width}}  {_figure(row.ratio.median):>5} [{_figure(row.ratio.low)}, "
        f"{_figure(row.ratio.high)}]  {row.ours:6.2f} / {row.peer:.2f} "
        f"{row.unit}{goal}{verdict}"
    )


def _figure(ratio: float) -> str:
    """Two decimals, and one more where the first would be 0."""
    return f"{ratio:.3f}" if ratio < 0.1 else f"{ratio:.2f}"


def _commit() -> str:
    """The commit that was measured; marked when the checkout held more than it."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--", ":!bench/results", ":!docs")
    return f"{head}+changes" if changed else head


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


# Asked when a run begins: a checkout may change while it is measured.
_COMMIT = _commit()
