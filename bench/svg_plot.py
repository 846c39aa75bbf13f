"""Matplotlib, set up for drawings that are committed; the plot environment has it."""

import matplotlib  # type: ignore[import-not-found]

matplotlib.use("svg")
# Text stays text: small files, and a diff that can be read.
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["svg.hashsalt"] = "lorax"
import matplotlib.pyplot as plot  # type: ignore[import-not-found]  # noqa: E402

__all__ = ["plot"]
