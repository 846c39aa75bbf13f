"""Serves one shard of a model. Takes the arguments of upstream's lorax-server."""

import argparse
import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from lorax_shard.adapters.sources import AdapterSource
from lorax_shard.engine.limits import MemoryLimits
from lorax_shard.server.config import (
    DEVICES,
    ConfigurationError,
    EnvironmentReader,
    ServeConfig,
)
from lorax_shard.server.log import LEVELS, configure_logging

_LOG = logging.getLogger(__name__)
_TERMINATION_LOG = "/dev/termination-log"
_SWITCH = argparse.BooleanOptionalAction
# Options of upstream that would change what is served and that we do not have. Accepted by the
# parser so that the refusal can name them.
_UNSUPPORTED = (
    "adapter_id",
    "quantize",
    "speculative_tokens",
    "merge_adapter_weights",
    "otlp_endpoint",
    "embedding_dim",
)


def run(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code. A failure is one clear sentence, in the log and where Kubernetes looks."""
    arguments = _parser().parse_args(words)
    configure_logging(arguments.logger_level, arguments.json_output)
    try:
        config = read_config(arguments, environment)
        # Only now: it takes seconds to import torch, and none to find a wrong argument.
        from lorax_shard.server.serve import serve

        asyncio.run(serve(config))
    # The top of the process: whatever it was, say it where people look, and end.
    except Exception as error:
        message = str(error) or type(error).__name__
        _LOG.error("%s", message, exc_info=not isinstance(error, ValueError))
        _write_termination_log(message, environment)
        return 1
    return 0


def read_config(arguments: argparse.Namespace, environment: Mapping[str, str]) -> ServeConfig:
    """The configuration, or one error that names everything that is wrong."""
    reader = EnvironmentReader(environment)
    for switch in ("PREFIX_CACHING", "CHUNKED_PREFILL"):
        reader.refuse_switch(switch)
    config = ServeConfig(
        model=Path(arguments.model),
        uds_path=arguments.uds_path,
        rank=reader.whole("RANK", 0),
        world=reader.whole("WORLD_SIZE", 1),
        master_addr=reader.text("MASTER_ADDR", "localhost"),
        master_port=reader.whole("MASTER_PORT", 29500),
        device=arguments.device or reader.text("LORAX_DEVICE", "auto"),
        dtype=arguments.dtype,
        adapter_roots=reader.directories("LORAX_ADAPTER_ROOTS"),
        preloaded_adapter_ids=tuple(arguments.preloaded_adapter_ids),
        preloaded_adapter_source=AdapterSource(
            arguments.preloaded_adapter_source or arguments.adapter_source
        ),
        memory=MemoryLimits(
            adapter_fraction=reader.fraction("ADAPTER_MEMORY_FRACTION", 0.1),
            device_fraction=reader.fraction("CUDA_MEMORY_FRACTION", 1.0),
            wiggle_room=reader.fraction("MEMORY_WIGGLE_ROOM", 0.9),
        ),
    )
    problems = reader.problems + config.problems() + _unsupported(arguments)
    if arguments.sharded and config.world == 1:
        problems.append("--sharded needs WORLD_SIZE above 1, got 1")
    if problems:
        raise ConfigurationError("; ".join(problems))
    return config


def _unsupported(arguments: argparse.Namespace) -> list[str]:
    return [
        f"--{name.replace('_', '-')} {getattr(arguments, name)} is not supported"
        for name in _UNSUPPORTED
        if getattr(arguments, name)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lorax-server", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve a model directory on a Unix socket")
    serve.add_argument("model", help="model directory in HF layout")
    serve.add_argument("--uds-path", default="/tmp/lorax-server", help="socket path without -RANK")
    serve.add_argument("--device", choices=DEVICES, help="default: LORAX_DEVICE, else auto")
    serve.add_argument("--dtype", help="float32, float16 or bfloat16")
    serve.add_argument("--logger-level", default="INFO", type=str.upper, choices=LEVELS)
    serve.add_argument("--json-output", action=_SWITCH, default=False)
    sources = [source.value for source in AdapterSource]
    serve.add_argument("--source", help="accepted; the model is always a local directory")
    serve.add_argument("--adapter-source", default="hub", choices=sources)
    serve.add_argument("--preloaded-adapter-source", choices=sources)
    serve.add_argument("--preloaded-adapter-ids", action="append", default=[], metavar="ID")
    serve.add_argument("--sharded", action=_SWITCH, default=False)
    serve.add_argument("--compile", action=_SWITCH, default=False, help="accepted, no effect")
    serve.add_argument("--revision", help="accepted; a local directory has one revision")
    serve.add_argument(
        "--trust-remote-code", action=_SWITCH, default=False, help="accepted; none is ever run"
    )
    for name in ("--adapter-id", "--quantize", "--otlp-endpoint"):
        serve.add_argument(name, help="refused: not supported")
    for name in ("--speculative-tokens", "--embedding-dim"):
        serve.add_argument(name, type=int, help="refused unless 0: not supported")
    serve.add_argument("--merge-adapter-weights", action=_SWITCH, default=False)
    return parser


def _write_termination_log(message: str, environment: Mapping[str, str]) -> None:
    """Kubernetes shows the file's text as the reason why a container ended."""
    path = Path(environment.get("LORAX_TERMINATION_LOG") or _TERMINATION_LOG)
    if path.exists() or "LORAX_TERMINATION_LOG" in environment:
        path.write_text(message, encoding="utf-8")
