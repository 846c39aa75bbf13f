package dev.lorax.launcher.socket;

import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.net.UnixDomainSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * gRPC over Unix sockets with Java's own selectors. Thread-safe.
 *
 * <p>A few messages a second need no native transport, and without one the same jar runs as an
 * agent in any image on any processor.
 */
public final class UnixSockets implements AutoCloseable {

  /** sun_path holds 108 bytes with its closing zero. */
  public static final int MAX_PATH_BYTES = 107;

  private static final Duration CLOSE_DEADLINE = Duration.ofSeconds(2);

  private final EventLoopGroup eventLoop =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());

  public ManagedChannel channel(Path socket) {
    return NettyChannelBuilder.forAddress(UnixDomainSocketAddress.of(socket))
        .eventLoopGroup(eventLoop)
        .channelType(NioDomainSocketChannel.class)
        // A Unix socket has no host name; servers want some authority all the same.
        .overrideAuthority("localhost")
        .usePlaintext()
        .build();
  }

  public NettyServerBuilder server(Path socket) {
    return NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
        .bossEventLoopGroup(eventLoop)
        .workerEventLoopGroup(eventLoop)
        .channelType(NioServerDomainSocketChannel.class);
  }

  public static boolean fits(Path socket) {
    return socket.toString().getBytes(StandardCharsets.UTF_8).length <= MAX_PATH_BYTES;
  }

  @Override
  public void close() {
    var _ = eventLoop.shutdownGracefully(0, CLOSE_DEADLINE.toMillis(), TimeUnit.MILLISECONDS);
  }
}
