"""The life of a shard process: load, bind, serve, stop."""

import asyncio
import gc
import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from grpc_reflection.v1alpha import reflection

from lorax_shard.engine.engine import Engine
from lorax_shard.models import label_of
from lorax_shard.pb import extensions_pb2, extensions_pb2_grpc, generate_pb2, generate_pb2_grpc
from lorax_shard.server.compute import ComputeThread
from lorax_shard.server.config import ConfigurationError, ServeConfig
from lorax_shard.server.errors import ErrorInterceptor
from lorax_shard.server.servicer import ExtensionsServicer, LoraxServicer
from lorax_shard.server.startup import Shard, start_shard
from lorax_shard.server.steps import Steps
from lorax_shard.server.threads import stand_back

if TYPE_CHECKING:
    from lorax_shard.server.tracing import SpanSender

_LOG = logging.getLogger(__name__)
# Log-probabilities of long prompts pass the default of 4 MiB.
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
# A step takes well under a second; what takes longer waits for a shard that is gone.
_STOP_GRACE_SECONDS = 5.0


async def serve(config: ServeConfig) -> None:
    """Serves until SIGTERM or SIGINT.

    The socket appears only when everything is loaded: to the launcher it means ready.
    """
    compute = ComputeThread(config.step_timeout_s)
    shard = await compute.run_long(start_shard, config, stand_back)
    # What is loaded stays: the collector never looks at it again.
    gc.freeze()
    gc.enable()
    spans = _span_sender(config)
    steps = Steps(compute, spans)
    extensions = ExtensionsServicer(shard, compute, steps)
    server = _build_server(LoraxServicer(shard, compute, steps), extensions)
    # Before the socket appears: whoever sees it may stop the process at once.
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    socket = Path(config.socket_path)
    # Left behind by a process that was killed; binding would fail on it.
    socket.unlink(missing_ok=True)
    _bind(server, socket)
    await server.start()
    _LOG.info("Server started at unix://%s", socket)
    await stopped.wait()
    _LOG.info("stopping")
    # First, because the server waits for calls: those of steps wait for their router, and a call
    # for an adapter for its download.
    shard.directories.downloader.close()
    extensions.close()
    await server.stop(_STOP_GRACE_SECONDS)
    compute.close()
    if spans is not None:
        await asyncio.to_thread(spans.close)
    _tell_of_speculation(shard)
    socket.unlink(missing_ok=True)


def _tell_of_speculation(shard: Shard) -> None:
    engine = shard.abilities.engine
    if isinstance(engine, Engine) and engine.speculation.proposed:
        proposed, accepted = engine.speculation.proposed, engine.speculation.accepted
        _LOG.info(
            "speculation: %d of %d proposed tokens were accepted (%.0f %%)",
            accepted,
            proposed,
            100 * accepted / proposed,
        )


def _bind(server: grpc.aio.Server, socket: Path) -> None:
    try:
        server.add_insecure_port(f"unix:{socket}")
    except RuntimeError:
        raise ConfigurationError(
            f"socket {socket} cannot be made: check that {socket.parent} exists and that user "
            f"{os.getuid()} may write there"
        ) from None


def _span_sender(config: ServeConfig) -> "SpanSender | None":
    # All shards make the same steps at the same time.
    if config.otlp_endpoint is None or config.rank != 0:
        return None
    # OpenTelemetry takes a moment to import, and most shards are not traced.
    from lorax_shard.server.tracing import SpanSender

    model: dict[str, str | int] = {
        "gen_ai.request.model": label_of(config.model),
        "lorax.shards": config.world,
    }
    return SpanSender(config.otlp_endpoint, model)


def _build_server(servicer: LoraxServicer, extensions: ExtensionsServicer) -> grpc.aio.Server:
    server = grpc.aio.server(interceptors=[ErrorInterceptor()], options=_UNLIMITED)
    generate_pb2_grpc.add_LoraxServiceServicer_to_server(servicer, server)
    extensions_pb2_grpc.add_ExtensionsServicer_to_server(extensions, server)
    services = (
        generate_pb2.DESCRIPTOR.services_by_name["LoraxService"].full_name,
        extensions_pb2.DESCRIPTOR.services_by_name["Extensions"].full_name,
        reflection.SERVICE_NAME,
    )
    reflection.enable_server_reflection(services, server)
    return server
