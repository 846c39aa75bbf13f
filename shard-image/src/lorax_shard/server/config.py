"""What one shard process is told: arguments, and the environment that the launcher sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lorax_shard.adapters.sources import AdapterSource
from lorax_shard.engine.limits import MemoryLimits

# sun_path of a Unix socket address has 108 bytes, the last one a NUL.
_LONGEST_SOCKET_PATH = 107
DTYPES = ("float32", "float16", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")


class ConfigurationError(ValueError):
    """Everything that is wrong with the arguments and the environment, one sentence each."""


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """The configuration of one shard. rank and world are torch.distributed's words."""

    model: Path
    uds_path: str
    rank: int = 0
    world: int = 1
    master_addr: str = "localhost"
    master_port: int = 29500
    device: str = "auto"
    dtype: str | None = None
    adapter_roots: tuple[Path, ...] = ()
    preloaded_adapter_ids: tuple[str, ...] = ()
    preloaded_adapter_source: AdapterSource = AdapterSource.HUB
    memory: MemoryLimits = field(default_factory=MemoryLimits)

    @property
    def socket_path(self) -> str:
        """Where this shard listens: upstream's rule, the path and the rank."""
        return f"{self.uds_path}-{self.rank}"

    def socket_urls(self) -> list[str]:
        """The addresses of all shards, in order."""
        return [f"unix://{self.uds_path}-{rank}" for rank in range(self.world)]

    def problems(self) -> list[str]:
        """What cannot work, found before anything is loaded."""
        found = []
        length = len(self.socket_path.encode())
        if length > _LONGEST_SOCKET_PATH:
            found.append(
                f"socket path {self.socket_path} has {length} bytes, "
                f"Unix sockets allow {_LONGEST_SOCKET_PATH}: shorten --uds-path"
            )
        if not self.model.is_dir():
            found.append(f"model {self.model} is not a directory: expected one in HF layout")
        if not 0 <= self.rank < self.world:
            found.append(f"RANK {self.rank} must be at least 0 and below WORLD_SIZE {self.world}")
        if self.device not in DEVICES:
            found.append(f"device {self.device!r} is unknown: expected one of {', '.join(DEVICES)}")
        if self.dtype is not None and self.dtype not in DTYPES:
            found.append(f"dtype {self.dtype!r} is unknown: expected one of {', '.join(DTYPES)}")
        return found


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

    def refuse_switch(self, name: str) -> None:
        """Refuses a switch that is on and that the shard would otherwise ignore."""
        if self.text(name, "0").lower() in ("1", "true"):
            self.problems.append(f"{name}={self._environment[name]} is not supported")

    def directories(self, name: str) -> tuple[Path, ...]:
        """A colon-separated list of directories."""
        return tuple(Path(entry) for entry in self.text(name, "").split(":") if entry)
