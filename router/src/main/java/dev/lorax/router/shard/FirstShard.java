package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc.ExtensionsStub;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** Puts questions about single requests to the first shard of the current epoch. Thread-safe. */
final class FirstShard {
  private final Duration deadline;
  private CompletableFuture<Channel> connected = new CompletableFuture<>();

  FirstShard(Duration deadline) {
    this.deadline = deadline;
  }

  synchronized void use(Channel channel) {
    if (!connected.complete(channel)) {
      connected = CompletableFuture.completedFuture(channel);
    }
  }

  /**
   * The answer to a question. One that meets a new epoch of the shards waits for it, as prompts in
   * the queue do. Fails with what {@link Status#fromThrowable} understands; a shard that does not
   * answer is UNAVAILABLE with a description for the client.
   */
  <A> CompletionStage<A> ask(BiConsumer<ExtensionsStub, StreamObserver<A>> question) {
    CompletableFuture<Channel> first = channel(null);
    return asked(first, question)
        .exceptionallyCompose(error ->
            Status.fromThrowable(error).getCode() == Status.Code.UNAVAILABLE
                ? asked(channel(first.getNow(null)), question)
                : CompletableFuture.failedFuture(error));
  }

  /** The first shard's channel, as soon as there is one other than this. */
  private synchronized CompletableFuture<Channel> channel(@Nullable Channel lost) {
    if (lost != null && connected.getNow(null) == lost) {
      connected = new CompletableFuture<>();
    }
    return connected.copy();
  }

  private <A> CompletableFuture<A> asked(
      CompletableFuture<Channel> channel, BiConsumer<ExtensionsStub, StreamObserver<A>> question) {
    return channel
        .orTimeout(deadline.toMillis(), TimeUnit.MILLISECONDS)
        .thenCompose(connection -> {
          var answer = new Answer<A>(new CompletableFuture<>());
          question.accept(ExtensionsGrpc.newStub(connection).withDeadlineAfter(deadline), answer);
          return answer.future();
        })
        .exceptionallyCompose(error -> CompletableFuture.failedFuture(plain(error)));
  }

  private static RuntimeException plain(Throwable error) {
    Status status = Status.fromThrowable(error);
    boolean late =
        error instanceof TimeoutException || error.getCause() instanceof TimeoutException;
    if (late) {
      return Status.UNAVAILABLE
          .withDescription("the shards are not connected")
          .asRuntimeException();
    }
    return switch (status.getCode()) {
      case UNAVAILABLE, CANCELLED, DEADLINE_EXCEEDED ->
          Status.UNAVAILABLE
              .withDescription("the shard did not answer: " + status.getDescription())
              .asRuntimeException();
      default -> status.asRuntimeException();
    };
  }

  private record Answer<A>(CompletableFuture<A> future) implements StreamObserver<A> {
    @Override
    public void onNext(A answer) {
      future.complete(answer);
    }

    @Override
    public void onError(Throwable error) {
      future.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {}
  }
}
