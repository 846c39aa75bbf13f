package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.RenderChatRequest;
import dev.lorax.protocol.extensions.v1.RenderChatResponse;
import dev.lorax.router.generation.ChatTemplate;
import dev.lorax.router.generation.Rejection;
import io.grpc.Status;
import java.util.concurrent.CompletionStage;

/**
 * Renders chats on the first shard, where the template engine is the one that templates are written
 * for. Thread-safe.
 */
record ShardChatTemplate(FirstShard shard) implements ChatTemplate {
  @Override
  public CompletionStage<Rendering> render(String messagesJson, String toolsJson) {
    var request =
        RenderChatRequest.newBuilder()
            .setMessagesJson(messagesJson)
            .setToolsJson(toolsJson)
            .setAddGenerationPrompt(true)
            .build();
    return shard
        .<RenderChatResponse>ask((stub, answer) -> stub.renderChat(request, answer))
        .handle((response, error) ->
            error == null
                ? new Rendering.Rendered(response.getPrompt())
                : new Rendering.Refused(rejection(Status.fromThrowable(error))));
  }

  private static Rejection rejection(Status status) {
    String detail = String.valueOf(status.getDescription());
    return switch (status.getCode()) {
      case INVALID_ARGUMENT, FAILED_PRECONDITION -> new Rejection(Rejection.Kind.TEMPLATE, detail);
      case UNIMPLEMENTED ->
          new Rejection(Rejection.Kind.TEMPLATE, "the shard image does not render chats");
      case UNAVAILABLE -> Rejection.unavailable(detail);
      default -> Rejection.generation("Server error: " + detail);
    };
  }
}
