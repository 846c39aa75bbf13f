"""From exceptions to gRPC statuses, at one place."""

import logging
from collections.abc import Awaitable, Callable
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


class ErrorInterceptor(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Ends a call that raised with a status that carries the exception's text."""

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,
    ) -> Any:
        """Wraps unary handlers; generate.v1 has no others. Reflection streams pass through."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        method = handler_call_details.method.rsplit("/", 1)[-1]

        async def call(request: Any, context: Any) -> Any:
            try:
                return await handler.unary_unary(request, context)
            except Exception as error:
                message = str(error) or type(error).__name__
                # A refusal explains itself; anything else is a bug or a broken machine and needs
                # its traceback.
                explained = isinstance(error, ValueError | RequestsFailed)
                failed = ""
                if isinstance(error, RequestsFailed):
                    failed = ",".join(map(str, error.request_ids))
                _LOG.error(
                    "%s failed: %s",
                    method,
                    message,
                    exc_info=not explained,
                    extra={"request_ids": failed} if failed else None,
                )
                if failed:
                    context.set_trailing_metadata(((_FAILED_REQUESTS, failed),))
                status = _STATUSES.get(type(error), grpc.StatusCode.INTERNAL)
                await context.abort(status, message)

        return grpc.unary_unary_rpc_method_handler(
            call,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
