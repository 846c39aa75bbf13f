package dev.lorax.router;

import dev.lorax.protocol.extensions.v1.ExtensionsGrpc.ExtensionsImplBase;
import dev.lorax.protocol.extensions.v1.RenderChatRequest;
import dev.lorax.protocol.extensions.v1.RenderChatResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;

/** A chat template that shows the messages as they came; it refuses those from a {@code robot}. */
final class ScriptedTemplate extends ExtensionsImplBase {
  static String rendered(String messagesJson) {
    return "chat " + messagesJson + " answer";
  }

  @Override
  public void renderChat(RenderChatRequest request, StreamObserver<RenderChatResponse> observer) {
    if (request.getMessagesJson().contains("robot")) {
      observer.onError(
          Status.INVALID_ARGUMENT.withDescription("unknown role robot").asRuntimeException());
      return;
    }
    observer.onNext(
        RenderChatResponse.newBuilder().setPrompt(rendered(request.getMessagesJson())).build());
    observer.onCompleted();
  }
}
