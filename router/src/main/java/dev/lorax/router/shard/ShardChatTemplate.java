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
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Renders chats on the first shard, where the template engine is the one that templates are written
 * for. Thread-safe.
 */
final class ShardChatTemplate implements ChatTemplate {
  private final Duration deadline;
  private CompletableFuture<Channel> connected = new CompletableFuture<>();

  ShardChatTemplate(Duration deadline) {
    this.deadline = deadline;
  }

  synchronized void use(Channel channel) {
    if (!connected.complete(channel)) {
      connected = CompletableFuture.completedFuture(channel);
    }
  }

  /** A chat that meets a new epoch of the shards waits for it, as prompts in the queue do. */
  @Override
  public CompletionStage<Rendering> render(String messagesJson) {
    var request =
        RenderChatRequest.newBuilder()
            .setMessagesJson(messagesJson)
            .setAddGenerationPrompt(true)
            .build();
    CompletableFuture<Channel> first = channel(null);
    return rendered(first, request)
        .thenCompose(rendering ->
            isUnavailable(rendering)
                ? rendered(channel(first.getNow(null)), request)
                : CompletableFuture.completedFuture(rendering));
  }

  /** The first shard's channel, as soon as there is one other than this. */
  private synchronized CompletableFuture<Channel> channel(@Nullable Channel lost) {
    if (lost != null && connected.getNow(null) == lost) {
      connected = new CompletableFuture<>();
    }
    return connected.copy();
  }

  private CompletableFuture<Rendering> rendered(
      CompletableFuture<Channel> channel, RenderChatRequest request) {
    return channel
        .orTimeout(deadline.toMillis(), TimeUnit.MILLISECONDS)
        .thenCompose(connection -> {
          var outcome = new CompletableFuture<Rendering>();
          ExtensionsGrpc.newStub(connection)
              .withDeadlineAfter(deadline)
              .renderChat(request, new Answer(outcome));
          return outcome;
        })
        .exceptionally(
            late -> new Rendering.Refused(Rejection.unavailable("the shards are not connected")));
  }

  private static boolean isUnavailable(Rendering rendering) {
    return rendering instanceof Rendering.Refused(var rejection)
        && rejection.kind() == Rejection.Kind.UNAVAILABLE;
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
