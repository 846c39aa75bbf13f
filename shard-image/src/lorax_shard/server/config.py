"""What one shard process is told: arguments, and the environment that the launcher sets."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lorax_shard.adapters.sources import AdapterReference
from lorax_shard.downloads.access import DownloadAccess
from lorax_shard.engine.limits import MemoryLimits
from lorax_shard.failure import CodedError, FailureCode

# sun_path of a Unix socket address has 108 bytes, the last one a NUL.
_LONGEST_SOCKET_PATH = 107
DTYPES = ("float32", "float16", "bfloat16")
# Names of layers.quantisation and layers.packing, which import torch.
QUANTISATIONS = ("int8", "int4")
PACKINGS = ("awq", "gptq")
# More of a draft is hardly ever right, and each takes a row of logits.
MOST_SPECULATIVE_TOKENS = 16
DEVICES = ("auto", "cpu", "cuda")


class ConfigurationError(CodedError):
    """Everything that is wrong with the arguments and the environment, one sentence each."""

    code = FailureCode.WRONG_ARGUMENTS


class NoDevice(ConfigurationError):
    """There is no device of the kind that was asked for."""

    code = FailureCode.NO_DEVICE


class UnsupportedDtype(ConfigurationError):
    """The device does not compute in the number format that was asked for."""

    code = FailureCode.UNSUPPORTED_MODEL


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """The configuration of one shard. rank and world are torch.distributed's words."""

    model: Path
    uds_path: str
    downloads: DownloadAccess
    rank: int = 0
    world: int = 1
    master_addr: str = "localhost"
    master_port: int = 29500
    device: str = "auto"
    dtype: str | None = None
    # Of QUANTISATIONS, or of PACKINGS for a model that is stored so; None leaves weights alone.
    quantize: str | None = None
    adapter_roots: tuple[Path, ...] = ()
    # For requests that name no adapter: resident under index 0, or merged into the base model.
    static_adapter: AdapterReference | None = None
    merges_static_adapter: bool = False
    preloaded_adapters: tuple[AdapterReference, ...] = ()
    memory: MemoryLimits = field(default_factory=MemoryLimits)
    otlp_endpoint: str | None = None  # collector of spans; None traces nothing
    speculative_tokens: int = 0  # proposed for each sequence and step
    speculation_sequences: int | None = None  # of a step that speculates; None suits the device
    step_timeout_s: float = 300.0
    captures_steps: bool = False  # whether decode steps may be replayed as CUDA graphs
    captured_rows: int = 128  # of such a step, at most
    chunks_prompts: bool = True  # what routers are told; a prompt that comes in parts is computed

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
        if self.merges_static_adapter and self.static_adapter is None:
            found.append("--merge-adapter-weights needs --adapter-id, which names what to merge")
        if self.merges_static_adapter and self.preloaded_adapters:
            found.append(
                "--merge-adapter-weights changes the base model that --preloaded-adapter-ids were "
                "made for: leave one of them out"
            )
        if not 0 <= self.rank < self.world:
            found.append(f"RANK {self.rank} must be at least 0 and below WORLD_SIZE {self.world}")
        if self.device not in DEVICES:
            found.append(f"device {self.device!r} is unknown: expected one of {', '.join(DEVICES)}")
        if self.dtype is not None and self.dtype not in DTYPES:
            found.append(f"dtype {self.dtype!r} is unknown: expected one of {', '.join(DTYPES)}")
        if self.quantize is not None and self.quantize not in QUANTISATIONS + PACKINGS:
            found.append(
                f"--quantize {self.quantize} is not supported: expected "
                f"{' or '.join(QUANTISATIONS)}, which quantises any model as it loads, or "
                f"{' or '.join(PACKINGS)} for a model that is quantised so"
            )
        if self.otlp_endpoint is not None and not _is_collector(self.otlp_endpoint):
            found.append(
                f"--otlp-endpoint {self.otlp_endpoint} is not the address of a collector: expected "
                "http://HOST:PORT, or https"
            )
        if not 0 <= self.speculative_tokens <= MOST_SPECULATIVE_TOKENS:
            found.append(
                f"--speculative-tokens must be from 0 to {MOST_SPECULATIVE_TOKENS}, got "
                f"{self.speculative_tokens}"
            )
        if self.captured_rows < 1:
            found.append(
                f"LORAX_COMPILE_MAX_BATCH_SIZE must be at least 1, got {self.captured_rows}: leave "
                "--compile out for no CUDA graphs"
            )
        if self.speculation_sequences is not None and self.speculation_sequences < 1:
            found.append(
                "LORAX_SPECULATION_MAX_BATCH_SIZE must be at least 1, got "
                f"{self.speculation_sequences}: set --speculative-tokens 0 for no speculation"
            )
        return found


def _is_collector(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port that is none
        return False
