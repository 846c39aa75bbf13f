"""Typed values of the environment variables that the launcher sets."""

import math
from collections.abc import Mapping
from pathlib import Path

from lorax_shard.downloads.access import DEFAULT_TIMEOUT_S, DownloadAccess


class EnvironmentReader:
    """Typed values of environment variables; collects what cannot be read."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        """A variable; empty counts as unset."""
        return self._environment.get(name) or default

    def whole(self, name: str, default: int) -> int:
        """A whole number."""
        text = self.text(name, str(default))
        try:
            return int(text)
        except ValueError:
            self.problems.append(f"{name} must be a whole number, got {text!r}")
            return default

    def optional_whole(self, name: str) -> int | None:
        """A whole number; None where the variable is not set."""
        return self.whole(name, 0) if self.text(name, "") else None

    def fraction(self, name: str, default: float) -> float:
        """A number from 0 to 1."""
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0.0 <= value <= 1.0:
            self.problems.append(f"{name} must be a number from 0 to 1, got {text!r}")
            return default
        return value

    def seconds(self, name: str, default: float) -> float:
        """A duration."""
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0.0 < value < math.inf:
            self.problems.append(f"{name} must be a number of seconds above 0, got {text!r}")
            return default
        return value

    def is_on(self, name: str, default: str = "0") -> bool:
        """A switch."""
        return self.text(name, default).lower() in ("1", "true", "yes", "on")

    def directories(self, name: str) -> tuple[Path, ...]:
        """A colon-separated list of directories."""
        return tuple(Path(entry) for entry in self.text(name, "").split(":") if entry)

    def downloads(self) -> DownloadAccess:
        """The hub's settings, by the names that huggingface_hub and upstream know."""
        home = Path(self.text("HF_HOME", "~/.cache/huggingface"))
        # The launcher sets the first; the others are for a shard that is started by hand.
        cache = (
            self.text("HUGGINGFACE_HUB_CACHE", "")
            or self.text("HF_HUB_CACHE", "")
            or str(home / "hub")
        )
        return DownloadAccess(
            cache=Path(cache).expanduser(),
            server_token=self._token(),
            shares_server_token=self.is_on("LORAX_USE_GLOBAL_HF_TOKEN"),
            offline=self.is_on("HF_HUB_OFFLINE"),
            timeout_s=self.seconds("LORAX_ADAPTER_DOWNLOAD_TIMEOUT_S", DEFAULT_TIMEOUT_S),
        )

    def _token(self) -> str | None:
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_API_TOKEN"):
            if token := self.text(name, "").strip():
                return token
        path = self.text("HF_TOKEN_PATH", "")
        if not path:
            return None
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None
        except OSError as error:
            self.problems.append(f"HF_TOKEN_PATH {path} cannot be read: {error.strerror}")
            return None
