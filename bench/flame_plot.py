"""Draws where a step's time goes, call by call: flame_plot.py STACKS.txt PLOT.svg.

STACKS.txt is what `py-spy record --format raw` writes. Of all stacks those of decode steps are
drawn: as wide as their share of the time, what is called under what calls it.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from svg_plot import plot

_ROOT = "Engine.decode"
_LEAST = 0.008  # of the time; less is not drawn
_LEAST_NAMED = 0.04
_LETTERS = 165  # as many as fit over the whole width
# What computes outside of Python, what takes part in it, and the rest.
_KERNELS, _LAYERS, _REST = "#e6550d", "#fdae6b", "#c6dbef"
_OF_MODEL = ("layers/", "models/")


@dataclass
class Call:
    """A function under those that called it."""

    name: str
    place: str
    looks: int = 0  # how often it was seen, itself or what it calls
    calls: dict[str, "Call"] = field(default_factory=dict)

    def see(self, frames: list[str], looks: int) -> None:
        """One stack, from here on."""
        self.looks += looks
        if frames:
            name, _, place = frames[0].partition(" (")
            self.calls.setdefault(frames[0], Call(name, place)).see(frames[1:], looks)

    @property
    def colour(self) -> str:
        """By what kind of work it is."""
        if self.name.startswith("NativeKernels."):
            return _KERNELS
        return _LAYERS if any(part in self.place for part in _OF_MODEL) else _REST


def read(lines: Iterable[str]) -> Call:
    """The decode steps of all stacks."""
    root = Call(_ROOT, "")
    for line in lines:
        stack, _, looks = line.rpartition(" ")
        frames = stack.split(";")
        names = [frame.partition(" (")[0] for frame in frames]
        if _ROOT in names:
            root.see(frames[names.index(_ROOT) + 1 :], int(looks))
    if not root.looks:
        raise SystemExit(f"no look met a decode step: expected stacks with {_ROOT}")
    return root


def draw(root: Call, path: Path) -> None:
    """The widest calls to the left."""
    figure, panel = plot.subplots(figsize=(11, 4.6), layout="constrained")
    depth = _draw(panel, root, root.looks, 0.0, 0)
    panel.set_xlim(0, 1)
    panel.set_ylim(depth + 1, 0)
    panel.set_yticks([])
    panel.set_xlabel("share of a decode step")
    panel.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None})


def _draw(panel: plot.Axes, call: Call, whole: int, left: float, depth: int) -> int:
    """Draws a call and what it calls; the depth that it comes to."""
    width = call.looks / whole
    panel.barh(depth + 0.5, width, 0.94, left, color=call.colour, edgecolor="white", linewidth=0.5)
    if width >= _LEAST_NAMED:
        text = f"{width:.0%} {call.name.removesuffix('.__call__')}"
        room = int(_LETTERS * width)
        text = text if len(text) <= room else text[: max(0, room - 1)] + "…"
        panel.text(left + 0.002, depth + 0.5, text, va="center", fontsize=7)
    deepest = depth
    for below in sorted(call.calls.values(), key=lambda each: -each.looks):
        if below.looks / whole >= _LEAST:
            deepest = max(deepest, _draw(panel, below, whole, left, depth + 1))
        left += below.looks / whole
    return deepest


if __name__ == "__main__":
    with Path(sys.argv[1]).open() as stacks:
        draw(read(stacks), Path(sys.argv[2]))
