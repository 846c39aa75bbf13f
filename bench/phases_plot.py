"""Draws the phases of a result as stacked bars: phases_plot.py RESULT.json PLOT.svg."""

import json
import sys
from pathlib import Path
from typing import Any

from svg_plot import plot

_PANELS = (("cpu_s", "CPU-seconds"), ("wall_s", "seconds (wall)"))


def draw(result: dict[str, Any], path: Path) -> None:
    """One panel for CPU and one for wall time, one bar for each way to the first token."""
    ways: dict[str, list[dict[str, Any]]] = result["phases"]
    names = list(dict.fromkeys(phase["phase"] for way in ways.values() for phase in way))
    colours = dict(zip(names, plot.colormaps["tab20"].colors, strict=False))
    figure, panels = plot.subplots(2, 1, figsize=(9, 5.5), layout="constrained")
    for panel, (key, label) in zip(panels, _PANELS, strict=True):
        for row, phases in enumerate(ways.values()):
            left = 0.0
            for phase in phases:
                panel.barh(row, phase[key], left=left, color=colours[phase["phase"]], height=0.6)
                left += phase[key]
            panel.text(left, row, f" {left:.2f}", va="center")
        panel.set_yticks(range(len(ways)), list(ways))
        panel.invert_yaxis()
        panel.set_xlabel(label)
        panel.spines[["top", "right"]].set_visible(False)
    handles = [plot.Rectangle((0, 0), 1, 1, color=colours[name]) for name in names]
    figure.legend(handles, names, loc="outside lower center", ncols=2, fontsize="small")
    figure.suptitle(f"{result['goal']}: phases of the median run")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
