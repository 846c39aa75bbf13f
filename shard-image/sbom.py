"""Writes what an image is made of, in CycloneDX 1.6: ``python sbom.py > sbom.cdx.json``.

The packages of Debian, and the distributions of the environment that runs this.
"""

import json
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import distributions
from typing import Any
from urllib.parse import quote

_DPKG = ("dpkg-query", "--show", "--showformat", "${Package}\t${Version}\t${Architecture}\n")


def document() -> dict[str, Any]:
    """The same image gives the same document: no time, no random number."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "lorax-shard"}},
        "components": sorted([*_debian(), *_python()], key=lambda each: str(each["bom-ref"])),
    }


def _debian() -> list[dict[str, str]]:
    if shutil.which(_DPKG[0]) is None:
        return []
    lines = subprocess.run(_DPKG, check=True, capture_output=True, text=True).stdout.splitlines()
    packages = (line.split("\t") for line in lines)
    return [
        _component(name, version, f"pkg:deb/debian/{name}@{quote(version)}?arch={architecture}")
        for name, version, architecture in packages
    ]


def _python() -> list[dict[str, str]]:
    # Of this environment alone: what Debian has packaged is listed as that.
    found = distributions(path=[sysconfig.get_path("purelib")])
    named = {each.name.lower().replace("_", "-"): each.version for each in found}
    return [
        _component(name, version, f"pkg:pypi/{name}@{quote(version)}")
        for name, version in named.items()
    ]


def _component(name: str, version: str, url: str) -> dict[str, str]:
    return {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}


if __name__ == "__main__":
    json.dump(document(), sys.stdout, indent=1)
    print()
