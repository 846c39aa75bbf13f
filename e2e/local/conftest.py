"""How often the stories of this folder kill."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--kills 30` makes a measurement of what is two kills in a test."""
    parser.addoption("--kills", type=int, default=2, help="deaths of a shard in each case")
