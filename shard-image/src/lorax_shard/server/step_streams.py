"""The calls that carry all steps of a router, and the runs of steps in them."""

import asyncio
import contextlib
from collections.abc import Awaitable
from typing import Any

from lorax_shard.engine.messages import StepResult
from lorax_shard.pb import extensions_pb2 as extensions
from lorax_shard.server import columns
from lorax_shard.server.errors import Failure
from lorax_shard.server.startup import Shard
from lorax_shard.server.step_calls import StepCalls, metadata_of
from lorax_shard.server.steps import Step


class StepStreams:
    """Serves those calls. Confined to the event loop."""

    def __init__(self, shard: Shard, calls: StepCalls) -> None:
        self._config = shard.config
        self._calls = calls
        self._open: set[_Requests] = set()

    async def serve(self, context: Any) -> None:
        """Makes what is asked for, until the router ends the call or this shard stops."""
        requests = _Requests(context)
        self._open.add(requests)
        try:
            while (request := await requests.next()) is not None:
                match request.WhichOneof("step"):
                    case "end_run":
                        pass  # It has crossed the last reply of the run.
                    case "embed":
                        await context.write(await self._embedded(request))
                    case _:
                        await self._run(request, requests, context)
        finally:
            self._open.discard(requests)
            requests.close()

    def close(self) -> None:
        """Ends all calls, which would else wait for routers for ever; steps under way are made."""
        for requests in self._open:
            requests.close()

    async def _embedded(self, request: extensions.StepRequest) -> extensions.StepReply:
        """The reply to texts, which have come behind the last step on all shards."""
        try:
            embedded = await self._calls.embed(request.embed, metadata_of(request))
            return extensions.StepReply(embedded=embedded)
        except Exception as error:
            return _failed(error, "Embed")

    async def _run(
        self, request: extensions.StepRequest, requests: "_Requests", context: Any
    ) -> None:
        """Replies to a step and to those that follow it."""
        name = (request.WhichOneof("step") or "step").capitalize()
        run = _Run(request.run, requests)
        made = self._calls.step(request, run if request.run else None)
        while True:
            reply, following = await self._reply(name, made, run)
            await context.write(reply)
            if following is None:
                return
            name, made = "Decode", self._calls.following(following)

    async def _reply(
        self, name: str, made: Awaitable[tuple[StepResult, Step | None]], run: "_Run"
    ) -> tuple[extensions.StepReply, Step | None]:
        following = None
        try:
            result, following = await made
            reply = columns.step_reply(result, self._config.rank, self._config.world)
            reply.run_goes_on = following is not None
            return reply, following
        except Exception as error:
            # Nobody will be told of the steps that follow one whose reply cannot be made.
            run.over = True
            while following is not None:
                step, following = following, None
                with contextlib.suppress(Exception):
                    _, following = await self._calls.following(step)
            return _failed(error, name), None


class _Requests:
    """What a router sends over one call, of which one is read ahead."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._closed = False
        self._ahead = self._read()

    @property
    def waiting(self) -> bool:
        """Whether the router has said something more, or never will. May be asked in any thread."""
        return self._closed or self._ahead.done()

    async def next(self) -> extensions.StepRequest | None:
        """The next request; None when there will be none."""
        try:
            request = await self._ahead
        except asyncio.CancelledError:
            if self._closed:
                return None
            raise
        if not isinstance(request, extensions.StepRequest):  # grpc.aio.EOF
            return None
        self._ahead = self._read()
        return request

    def close(self) -> None:
        """There will be no more."""
        self._closed = True
        self._ahead.cancel()

    def _read(self) -> asyncio.Future[Any]:
        reading: asyncio.Future[Any] = asyncio.ensure_future(self._context.read())
        # A router that is gone is no news to whoever has stopped asking.
        reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        return reading


class _Run:
    """See lorax_shard.server.steps.Run."""

    def __init__(self, kind: extensions.Run, requests: _Requests) -> None:
        self._kind = kind
        self._requests = requests
        self.over = False

    @property
    def is_wanted(self) -> bool:
        """See Run."""
        return not (self.over or self._requests.waiting)

    def goes_on(self, result: StepResult) -> bool:
        """See Run."""
        if self._kind == extensions.RUN_UNTIL_A_REQUEST_ENDS and result.ends_a_request:
            self.over = True
        return self.is_wanted


def _failed(error: Exception, name: str) -> extensions.StepReply:
    failure = Failure.of(error, name)
    return extensions.StepReply(
        failure=extensions.StepFailure(
            status=failure.status.value[0],
            message=failure.message,
            request_ids=failure.request_ids,
        )
    )
