"""The shard of a rehearsal: `lorax-server serve` without a model, for programs that warm up on it.

Speaks generate.v1 over its socket as a shard does; every answer is the same few tokens.
"""

import os
import signal
import sys
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped, unused-ignore]
from lorax_shard.pb import (  # type: ignore[import-not-found, unused-ignore]
    extensions_pb2,
    extensions_pb2_grpc,
    generate_pb2_grpc,
)
from lorax_shard.pb import generate_pb2 as pb  # type: ignore[import-not-found, unused-ignore]

_TOKENS = 8


class Shard(generate_pb2_grpc.LoraxServiceServicer):  # type: ignore[misc]
    """One batch at a time is enough: a rehearsal asks one question after another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._given: dict[int, int] = {}

    def Health(self, request: Any, context: Any) -> Any:
        """Answers: that is all of it."""
        return pb.HealthResponse()

    def ServiceDiscovery(self, request: Any, context: Any) -> Any:
        """One socket."""
        return pb.ServiceDiscoveryResponse(urls=[self._url])

    def Info(self, request: Any, context: Any) -> Any:
        """A model that generates from a paged cache."""
        return pb.InfoResponse(
            dtype="torch.float32",
            device_type="cpu",
            block_size=16,
            supports_generation=True,
            requires_block_allocator=True,
        )

    def ClearCache(self, request: Any, context: Any) -> Any:
        """Forgets everything."""
        self._given.clear()
        return pb.ClearCacheResponse()

    def FilterBatch(self, request: Any, context: Any) -> Any:
        """Keeps what is named."""
        return pb.FilterBatchResponse(batch=_batch(request.batch_id, list(request.request_ids)))

    def Warmup(self, request: Any, context: Any) -> Any:
        """A cache for a few requests."""
        return pb.WarmupResponse(max_supported_total_tokens=16384)

    def Prefill(self, request: Any, context: Any) -> Any:
        """The first token of each request."""
        ids = [each.id for each in request.batch.requests]
        self._given.update(dict.fromkeys(ids, 0))
        return pb.PrefillResponse(**self._step(request.batch.id, ids))

    def Decode(self, request: Any, context: Any) -> Any:
        """The next token of each; the last one ends the request."""
        ids = [each for batch in request.batches for each in batch.request_ids]
        return pb.DecodeResponse(**self._step(request.batches[0].id, ids))

    def _step(self, batch_id: int, ids: list[int]) -> dict[str, Any]:
        generations = [self._generation(each) for each in ids]
        running = [each for each in ids if self._given[each] < _TOKENS]
        return {
            "generations": generations,
            "batch": _batch(batch_id, running) if running else None,
        }

    def _generation(self, request_id: int) -> Any:
        self._given[request_id] += 1
        given = self._given[request_id]
        text = pb.GeneratedText(text="la" * given, generated_tokens=given)
        return pb.Generation(
            request_id=request_id,
            next_tokens=pb.NextTokens(ids=[0], logprobs=[-0.5], texts=["la"], is_special=[False]),
            generated_text=text if given == _TOKENS else None,
            prefill_tokens_length=1,
        )


class Extensions(extensions_pb2_grpc.ExtensionsServicer):  # type: ignore[misc]
    """Chats become a prompt of one word."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def Capabilities(self, request: Any, context: Any) -> Any:
        """As the shard says it."""
        return extensions_pb2.CapabilitiesResponse(resume=True, steps=True)

    def Steps(self, requests: Any, context: Any) -> Any:
        """Prefills and Decodes; in columns what has but a token to tell."""
        return (self._step(request, context) for request in requests)

    def _step(self, request: Any, context: Any) -> Any:
        if request.HasField("prefill"):
            rows = self._shard.Prefill(request.prefill, context)
            return extensions_pb2.StepReply(
                generations=rows.generations, batch=rows.batch if rows.HasField("batch") else None
            )
        rows = self._shard.Decode(request.decode, context)
        plain = [row for row in rows.generations if not row.HasField("generated_text")]
        return extensions_pb2.StepReply(
            tokens=extensions_pb2.TokenColumns(
                request_ids=[row.request_id for row in plain],
                ids=[row.next_tokens.ids[0] for row in plain],
                logprobs=[row.next_tokens.logprobs[0] for row in plain],
                texts=[row.next_tokens.texts[0] for row in plain],
            ),
            generations=[row for row in rows.generations if row.HasField("generated_text")],
            batch=rows.batch if rows.HasField("batch") else None,
        )

    def RenderChat(self, request: Any, context: Any) -> Any:
        """Whatever was said."""
        return extensions_pb2.RenderChatResponse(prompt="a")


def _batch(batch_id: int, ids: list[int]) -> Any:
    return pb.CachedBatch(
        id=batch_id, request_ids=ids, size=len(ids), max_tokens=16 * len(ids), current_tokens=1
    )


def main() -> None:
    """Serves on the socket that the launcher names until SIGTERM."""
    socket = f"{sys.argv[sys.argv.index('--uds-path') + 1]}-{os.environ['RANK']}"
    server = grpc.server(futures.ThreadPoolExecutor(4))
    url = f"unix://{socket}"
    shard = Shard(url)
    generate_pb2_grpc.add_LoraxServiceServicer_to_server(shard, server)
    extensions_pb2_grpc.add_ExtensionsServicer_to_server(Extensions(shard), server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    server.stop(0).wait()
    Path(socket).unlink(missing_ok=True)


if __name__ == "__main__":
    # Before any thread exists, so that none of them takes the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    main()
