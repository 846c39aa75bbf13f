package dev.lorax.launcher.health;

import dev.lorax.launcher.socket.UnixSockets;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;

/** Makes the health checks of shards and router. */
public final class HealthChecks implements AutoCloseable {

  private final UnixSockets sockets;

  /** Version 1.1, as every HTTP/2 client would first ask each new router to upgrade. */
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  public HealthChecks(UnixSockets sockets) {
    this.sockets = sockets;
  }

  /** By gRPC Health on this socket. */
  public HealthCheck shard(Path socket) {
    return new ShardHealthCheck(sockets.channel(socket));
  }

  /** By this URI: 200 means ready, any other answer alive. */
  public HealthCheck router(URI health) {
    return new RouterHealthCheck(http, health);
  }

  @Override
  public void close() {
    http.shutdownNow();
  }
}
