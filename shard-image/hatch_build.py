"""Wheel build hook: protobuf code and CPU kernels are made, never committed."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class MadeCodeBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Makes lorax_shard/pb and lorax_shard/native before the wheel is packed."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Runs once per wheel. Without a compiler the wheel has no kernels, and says so."""
        sys.path.insert(0, str(Path(self.root)))
        import build_kernels
        from generate_protocol import generate

        generate()
        try:
            build_kernels.build()
        except build_kernels.NoCompiler as reason:
            self.app.display_warning(f"{reason}: the shard will use PyTorch's own operators")
        else:
            build_data["pure_python"] = False
            build_data["tag"] = "py3-none-linux_x86_64"
