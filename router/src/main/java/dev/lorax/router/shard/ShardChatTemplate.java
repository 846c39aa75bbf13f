package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.protocol.extensions.v1.RenderChatRequest;
import dev.lorax.protocol.extensions.v1.RenderChatResponse;
import dev.lorax.router.generation.ChatTemplate;
import dev.lorax.router.generation.Rejection;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Renders chats on the first shard, where the template engine is the one that templates are written
 * for. Thread-safe.
 */
final class ShardChatTemplate implements ChatTemplate {
  private final Duration deadline;
  private volatile @Nullable Channel shard;

  ShardChatTemplate(Duration deadline) {
    this.deadline = deadline;
  }

  void use(Channel connected) {
    shard = connected;
  }

  @Override
  public CompletionStage<Rendering> render(String messagesJson) {
    var outcome = new CompletableFuture<Rendering>();
    Channel channel = shard;
    if (channel == null) {
      outcome.complete(
          new Rendering.Refused(Rejection.unavailable("the shards are not connected")));
      return outcome;
    }
    var request =
        RenderChatRequest.newBuilder()
            .setMessagesJson(messagesJson)
            .setAddGenerationPrompt(true)
            .build();
    ExtensionsGrpc.newStub(channel)
        .withDeadlineAfter(deadline)
        .renderChat(request, new Answer(outcome));
    return outcome;
  }

  private record Answer(CompletableFuture<Rendering> outcome)
      implements StreamObserver<RenderChatResponse> {
    @Override
    public void onNext(RenderChatResponse response) {
      outcome.complete(new Rendering.Rendered(response.getPrompt()));
    }

    @Override
    public void onError(Throwable error) {
      outcome.complete(new Rendering.Refused(rejection(Status.fromThrowable(error))));
    }

    @Override
    public void onCompleted() {}

    private static Rejection rejection(Status status) {
      String detail = String.valueOf(status.getDescription());
      return switch (status.getCode()) {
        case INVALID_ARGUMENT, FAILED_PRECONDITION ->
            new Rejection(Rejection.Kind.TEMPLATE, detail);
        case UNIMPLEMENTED ->
            new Rejection(Rejection.Kind.TEMPLATE, "the shard image does not render chats");
        case UNAVAILABLE, CANCELLED, DEADLINE_EXCEEDED ->
            Rejection.unavailable("the shard did not answer: " + detail);
        default -> Rejection.generation("Server error: " + detail);
      };
    }
  }
}
