"""Serves one shard of a model: the top of the process."""

import argparse
import asyncio
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lorax_shard.adapters.sources import AdapterReference, AdapterSource
from lorax_shard.downloads.access import DownloadAccess
from lorax_shard.downloads.places import HubPlace, InvalidAdapterId, cached_snapshot
from lorax_shard.engine.limits import MemoryLimits, OutOfMemory
from lorax_shard.failure import CodedError, FailureCode
from lorax_shard.server.arguments import parse, unsupported, versions
from lorax_shard.server.config import ConfigurationError, ServeConfig
from lorax_shard.server.endings import ExitCode, report
from lorax_shard.server.environment import EnvironmentReader
from lorax_shard.server.log import configure_logging
from lorax_shard.torch_import import import_torch

_LOG = logging.getLogger(__name__)


def run(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """The exit code. A failure is one clear sentence, in the log and where Kubernetes looks."""
    if list(words) == ["--version"]:
        sys.stdout.write(versions() + "\n")
        return ExitCode.STOPPED
    # What is wrong with the arguments must be said in the form that they ask for.
    configure_logging("INFO", "--json-output" in words)
    try:
        arguments = parse(words)
        configure_logging(arguments.logger_level, arguments.json_output)
        config = read_config(arguments, environment)
        # Only now: it takes seconds to import torch, and none to find a wrong argument.
        import_torch()
        from lorax_shard.server.serve import serve

        asyncio.run(serve(config))
    except OutOfMemory as error:
        report(error.code, str(error), environment)
        return ExitCode.OUT_OF_MEMORY
    except CodedError as error:
        report(error.code, str(error), environment)
        return ExitCode.FAILED_AT_START
    except ValueError as error:
        report(FailureCode.SHARD_FAILED, str(error), environment)
        return ExitCode.FAILED_AT_START
    # The top of the process: whatever it was, say it where people look, and end.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or "no message"
        report(
            FailureCode.SHARD_FAILED,
            f"the shard failed with an error that it does not know: {type(error).__name__}: "
            f"{reason} (--logger-level DEBUG shows where)",
            environment,
        )
        return ExitCode.FAILED_AT_START
    return ExitCode.STOPPED


def read_config(arguments: argparse.Namespace, environment: Mapping[str, str]) -> ServeConfig:
    """The configuration, or one error that names everything that is wrong."""
    reader = EnvironmentReader(environment)
    problems = reader.problems
    downloads = reader.downloads()
    config = ServeConfig(
        model=_model(arguments, downloads, problems),
        uds_path=arguments.uds_path,
        downloads=downloads,
        rank=reader.whole("RANK", 0),
        world=reader.whole("WORLD_SIZE", 1),
        master_addr=reader.text("MASTER_ADDR", "localhost"),
        master_port=reader.whole("MASTER_PORT", 29500),
        device=arguments.device or reader.text("LORAX_DEVICE", "auto"),
        dtype=arguments.dtype,
        quantize=arguments.quantize or None,
        adapter_roots=reader.directories("LORAX_ADAPTER_ROOTS"),
        static_adapter=_static_adapter(arguments),
        merges_static_adapter=arguments.merge_adapter_weights,
        preloaded_adapters=_preloaded_adapters(arguments),
        memory=MemoryLimits(
            adapter_fraction=reader.fraction("ADAPTER_MEMORY_FRACTION", 0.1),
            device_fraction=reader.fraction("CUDA_MEMORY_FRACTION", 1.0),
            wiggle_room=reader.fraction("MEMORY_WIGGLE_ROOM", 0.9),
            host_adapter_fraction=reader.fraction("LORAX_HOST_ADAPTER_FRACTION", 0.1),
        ),
        otlp_endpoint=arguments.otlp_endpoint or None,
        captures_steps=arguments.compile,
        captured_rows=reader.whole("LORAX_COMPILE_MAX_BATCH_SIZE", 128),
        speculative_tokens=arguments.speculative_tokens,
        speculation_sequences=reader.optional_whole("LORAX_SPECULATION_MAX_BATCH_SIZE"),
        step_timeout_s=reader.seconds("LORAX_STEP_TIMEOUT_S", 300.0),
        # PREFIX_CACHING changes nothing here: which prompts begin alike is the router's business.
        chunks_prompts=reader.is_on("CHUNKED_PREFILL", default="1"),
    )
    problems += config.problems() + unsupported(arguments)
    if arguments.sharded and config.world == 1:
        problems.append("--sharded needs WORLD_SIZE above 1, got 1")
    if problems:
        raise ConfigurationError("; ".join(problems))
    return config


def _static_adapter(arguments: argparse.Namespace) -> AdapterReference | None:
    if not arguments.adapter_id:
        return None
    return AdapterReference(arguments.adapter_id, AdapterSource(arguments.adapter_source))


def _preloaded_adapters(arguments: argparse.Namespace) -> tuple[AdapterReference, ...]:
    source = AdapterSource(arguments.preloaded_adapter_source or arguments.adapter_source)
    return tuple(AdapterReference(name, source) for name in arguments.preloaded_adapter_ids)


def _model(arguments: argparse.Namespace, downloads: DownloadAccess, problems: list[str]) -> Path:
    """The model's directory: the argument itself, or what a launcher downloaded under that id."""
    path = Path(arguments.model)
    if path.is_dir():
        return path
    name = arguments.model + (f"@{arguments.revision}" if arguments.revision else "")
    try:
        snapshot = cached_snapshot(downloads.cache, HubPlace.parse(name))
    except InvalidAdapterId:
        snapshot = None
    if snapshot is None:
        problems.append(
            f"model {arguments.model} is not a directory, and the cache {downloads.cache} has no "
            f"model of that id: lorax-launcher --model-id {arguments.model} --download-only "
            "downloads it"
        )
        return path
    return snapshot
