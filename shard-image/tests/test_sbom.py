"""What the images say that they are made of."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "sbom.py"


def written() -> str:
    return subprocess.run(
        [sys.executable, SCRIPT], check=True, capture_output=True, text=True
    ).stdout


def test_it_names_the_packages_that_are_installed() -> None:
    document = json.loads(written())

    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    named = [each["purl"] for each in document["components"]]
    assert len(named) == len(set(named))
    for package in ("grpcio", "torch", "huggingface-hub", "safetensors"):
        assert f"pkg:pypi/{package}@{version(package)}".replace("+", "%2B") in named


def test_the_same_packages_give_the_same_document() -> None:
    assert written() == written()
