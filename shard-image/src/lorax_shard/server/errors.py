"""From exceptions to gRPC statuses, at one place."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from lorax_shard.engine.chat import ChatTemplateError, NoChatTemplate
from lorax_shard.engine.messages import RequestsFailed

_LOG = logging.getLogger(__name__)


# Beyond generate.v1, where upstream's router does not look: which requests a step failed over.
# Everything that is cached is as it was, so the step can be made again without them.
_FAILED_REQUESTS = "lorax-failed-requests"


class NotOffered(ValueError):
    """A call of the protocol that this kind of model has no answer to."""


class UnusableSchema(ValueError):
    """A schema that no answer can follow."""


class NotLoaded(ValueError):
    """A question about an adapter that is not there."""


# Upstream's router expects INTERNAL with the exception's text for everything that generate.v1 does.
_STATUSES: dict[type[Exception], grpc.StatusCode] = {
    ChatTemplateError: grpc.StatusCode.INVALID_ARGUMENT,
    NoChatTemplate: grpc.StatusCode.FAILED_PRECONDITION,
    NotLoaded: grpc.StatusCode.NOT_FOUND,
    NotOffered: grpc.StatusCode.UNIMPLEMENTED,
    UnusableSchema: grpc.StatusCode.INVALID_ARGUMENT,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What a caller is told of a call that raised."""

    status: grpc.StatusCode
    message: str
    request_ids: Sequence[int]  # those without which it can be made, as far as is known

    @classmethod
    def of(cls, error: Exception, method: str) -> "Failure":
        """The failure, which is logged here: a caller may tell nobody."""
        request_ids = error.request_ids if isinstance(error, RequestsFailed) else ()
        failure = cls(
            _STATUSES.get(type(error), grpc.StatusCode.INTERNAL),
            str(error) or type(error).__name__,
            request_ids,
        )
        # A refusal explains itself; anything else is a bug or a broken machine and needs its
        # traceback.
        explained = isinstance(error, ValueError | RequestsFailed)
        _LOG.error(
            "%s failed: %s",
            method,
            failure.message,
            exc_info=None if explained else error,
            extra={"request_ids": failure.listed} if request_ids else None,
        )
        return failure

    @property
    def listed(self) -> str:
        """The requests as metadata and logs name them."""
        return ",".join(map(str, self.request_ids))


class ErrorInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Ends a call that raised with a status that carries the exception's text."""

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,
    ) -> Any:
        """Wraps unary handlers. Streams pass through: steps reply with failures of their own."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = handler_call_details.method.rsplit("/", 1)[-1]

        async def call(request: Any, context: Any) -> Any:
            try:
                return await handler.unary_unary(request, context)
            except Exception as error:
                failure = Failure.of(error, method)
                if failure.request_ids:
                    context.set_trailing_metadata(((_FAILED_REQUESTS, failure.listed),))
                await context.abort(failure.status, failure.message)

        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
