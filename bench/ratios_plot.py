"""Draws the ratios of a result with their intervals, floors and targets: RESULT.json PLOT.svg."""

import json
import sys
from pathlib import Path
from typing import Any

from svg_plot import plot


def draw(result: dict[str, Any], path: Path) -> None:
    """One bar for each row; a line at the floor and a dotted one at the target."""
    rows: list[dict[str, Any]] = result["rows"]
    figure, panel = plot.subplots(figsize=(9, 1.2 + 0.6 * len(rows)), layout="constrained")
    for place, row in enumerate(rows):
        spread = [[row["ratio"] - row["low"]], [row["high"] - row["ratio"]]]
        panel.barh(place, row["ratio"], xerr=spread, color="tab:blue", ecolor="black", height=0.5)
        for key, style in (("floor", "-"), ("target", ":")):
            if row[key] is not None:
                panel.plot([row[key]] * 2, [place - 0.4, place + 0.4], style, color="tab:red")
        panel.text(row["high"], place, f" {row['ratio']:.3g}", va="center")
    panel.set_yticks(range(len(rows)), [row["case"] for row in rows])
    panel.invert_yaxis()
    panel.set_xlim(left=0)
    panel.spines[["top", "right"]].set_visible(False)
    panel.set_xlabel(f"ratio of {rows[0]['unit']}; red: floor, dotted: target")
    figure.suptitle(result["goal"])
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
