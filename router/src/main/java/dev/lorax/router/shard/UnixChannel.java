package dev.lorax.router.shard;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A gRPC channel over the Unix socket of one shard. Thread-safe. */
final class UnixChannel implements AutoCloseable {
  /** A socket path makes no valid host name, and every HTTP/2 request needs one. */
  private static final String AUTHORITY = "localhost";

  /**
   * Beyond 30 days gRPC never lets an idle connection go, and losing one is how a dead shard shows.
   */
  private static final long NEVER_IDLE_DAYS = 10_000;

  /**
   * Beyond what a step answers. Without a size of ours gRPC looks for the best one with a ping for
   * each answer, which costs both sides more than the answer.
   */
  private static final int FLOW_CONTROL_WINDOW = 4 * 1024 * 1024;

  private final ManagedChannel channel;

  UnixChannel(Path path, EventLoopGroup events) {
    this.channel =
        NettyChannelBuilder.forAddress(new DomainSocketAddress(path.toFile()))
            .channelType(EpollDomainSocketChannel.class)
            .eventLoopGroup(events)
            .usePlaintext()
            .overrideAuthority(AUTHORITY)
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .flowControlWindow(FLOW_CONTROL_WINDOW)
            .idleTimeout(NEVER_IDLE_DAYS, TimeUnit.DAYS)
            .disableRetry()
            .directExecutor()
            .build();
  }

  ManagedChannel channel() {
    return channel;
  }

  /** Runs the action once a connection that was established has broken. */
  void onBroken(Runnable action) {
    channel.notifyWhenStateChanged(
        ConnectivityState.READY,
        () -> {
          if (channel.getState(false) == ConnectivityState.READY) {
            onBroken(action);
          } else {
            action.run();
          }
        });
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
