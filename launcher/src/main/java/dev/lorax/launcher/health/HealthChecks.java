package dev.lorax.launcher.health;

import dev.lorax.launcher.socket.UnixSockets;
import java.net.URI;
import java.nio.file.Path;

/** Makes the health checks of shards and router. */
public record HealthChecks(UnixSockets sockets) {

  /** By gRPC Health on this socket. */
  public HealthCheck shard(Path socket) {
    return new ShardHealthCheck(socket, sockets.channel(socket));
  }

  /** By this URI: 200 means ready, any other answer alive. */
  public HealthCheck router(URI health) {
    return new RouterHealthCheck(health);
  }
}
