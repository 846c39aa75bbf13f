"""Wheel build hook: the protobuf code is generated, never committed."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ProtocolBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Generates lorax_shard/pb before the wheel is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Runs once per wheel."""
        sys.path.insert(0, str(Path(self.root)))
        from generate_protocol import generate

        generate()
