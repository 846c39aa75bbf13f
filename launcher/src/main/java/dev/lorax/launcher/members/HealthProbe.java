package dev.lorax.launcher.members;

import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.protocol.generate.v1.HealthRequest;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Waits until a member answers, which is the only sign of readiness that counts. */
public final class HealthProbe implements AutoCloseable {

  private static final Duration PERIOD = Duration.ofMillis(100);
  private static final Duration ATTEMPT_DEADLINE = Duration.ofSeconds(5);

  private final UnixSockets sockets;
  private final HttpClient http = HttpClient.newBuilder().connectTimeout(ATTEMPT_DEADLINE).build();

  public HealthProbe(UnixSockets sockets) {
    this.sockets = sockets;
  }

  private interface Attempt {
    boolean answers() throws InterruptedException;
  }

  /** Completes when the shard on this socket answers gRPC Health; cancel it to stop asking. */
  CompletableFuture<Void> shard(Path socket) {
    ManagedChannel channel = sockets.channel(socket);
    CompletableFuture<Void> ready = repeat("probe-" + socket.getFileName(), () -> ask(channel));
    var _ = ready.whenComplete((answer, error) -> channel.shutdownNow());
    return ready;
  }

  /** Completes when the URI answers 200; cancel it to stop asking. */
  CompletableFuture<Void> router(URI health) {
    var request = HttpRequest.newBuilder(health).timeout(ATTEMPT_DEADLINE).build();
    return repeat("probe-router", () -> ask(request));
  }

  private static CompletableFuture<Void> repeat(String name, Attempt attempt) {
    var ready = new CompletableFuture<Void>();
    Thread.ofVirtual()
        .name(name)
        .start(() -> {
          try {
            while (!ready.isDone()) {
              if (attempt.answers()) {
                ready.complete(null);
              }
              Thread.sleep(PERIOD);
            }
          } catch (InterruptedException e) {
            ready.cancel(false);
          }
        });
    return ready;
  }

  private static boolean ask(ManagedChannel channel) {
    try {
      // Without this the channel would itself wait ever longer between attempts to connect.
      channel.resetConnectBackoff();
      var _ =
          LoraxServiceGrpc.newBlockingStub(channel)
              .withDeadlineAfter(ATTEMPT_DEADLINE.toMillis(), TimeUnit.MILLISECONDS)
              .health(HealthRequest.getDefaultInstance());
      return true;
    } catch (StatusRuntimeException notYet) {
      return false;
    }
  }

  private boolean ask(HttpRequest request) throws InterruptedException {
    try {
      return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException notYet) {
      return false;
    }
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
