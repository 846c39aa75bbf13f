package dev.lorax.launcher.health;

import dev.lorax.protocol.generate.v1.HealthRequest;
import dev.lorax.protocol.generate.v1.HealthResponse;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Asks gRPC Health. An error is no sign of life: upstream's shard touches its device to answer, so
 * that a broken device shows here.
 */
record ShardHealthCheck(Path socket, ManagedChannel channel) implements HealthCheck {

  @Override
  public CompletableFuture<Health> ask(Duration deadline) {
    if (nobodyListens()) {
      return CompletableFuture.completedFuture(new Health.Silent("no connection"));
    }
    // Without this the channel would itself wait ever longer between attempts to connect.
    channel.resetConnectBackoff();
    var answer = new CompletableFuture<Health>();
    try {
      LoraxServiceGrpc.newStub(channel)
          .withDeadlineAfter(deadline.toMillis(), TimeUnit.MILLISECONDS)
          .health(HealthRequest.getDefaultInstance(), new Listener(answer));
    } catch (RejectedExecutionException launcherEnds) {
      answer.complete(new Health.Silent("no connection"));
    }
    return answer;
  }

  /**
   * A file proves nothing, but without one there is nobody to ask. To find that out by connecting,
   * ten times a second for as long as a model loads, takes a sixth of a launcher's start.
   */
  private boolean nobodyListens() {
    return channel.getState(false) != ConnectivityState.READY && Files.notExists(socket);
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }

  private record Listener(CompletableFuture<Health> answer)
      implements StreamObserver<HealthResponse> {

    @Override
    public void onNext(HealthResponse response) {
      answer.complete(new Health.Ready());
    }

    @Override
    public void onError(Throwable error) {
      var status = Status.fromThrowable(error);
      answer.complete(
          new Health.Silent(
              switch (status.getCode()) {
                // What gRPC says of deadlines and lost connections is about its buffers.
                case DEADLINE_EXCEEDED -> "no answer";
                case UNAVAILABLE -> "no connection";
                default -> String.valueOf(status.getDescription());
              }));
    }

    @Override
    public void onCompleted() {
      answer.complete(new Health.Silent("an empty answer"));
    }
  }
}
