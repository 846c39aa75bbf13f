package dev.lorax.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SelectStrategyFactory;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.SocketChannel;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * As many clients as asked for, each with one stream after the other (closed loop). Writes {@code
 * begin} when the warm-up is over and {@code end} with what it saw since, as JSON.
 *
 * <pre>PORT STREAMS TOKENS WARM-TOKENS SECONDS ADAPTERS PAUSE-MICROS</pre>
 *
 * <p>With adapters, each request names one of them, the k-th with a probability of 1/k (Zipf). With
 * a pause, the clients sleep that long and then look what has come, instead of being woken by it.
 */
public final class LoadMain {
  private LoadMain() {}

  public static void main(String[] arguments) throws Exception {
    Quiet.reset();
    int port = Integer.parseInt(arguments[0]);
    int streams = Integer.parseInt(arguments[1]);
    int tokens = Integer.parseInt(arguments[2]);
    long warmTokens = Long.parseLong(arguments[3]);
    long millis = (long) (1000 * Double.parseDouble(arguments[4]));
    int adapters = Integer.parseInt(arguments[5]);
    long pauseMicros = Long.parseLong(arguments[6]);
    // One loop: what is seen needs no lock, and the router keeps the other core.
    var events = new MultiThreadIoEventLoopGroup(1, readiness(pauseMicros));
    var sight = new Sight(adapters);
    var bootstrap =
        new Bootstrap()
            .group(events)
            .channel(EpollSocketChannel.class)
            .option(ChannelOption.TCP_NODELAY, true)
            .handler(
                new ChannelInitializer<SocketChannel>() {
                  private int number;

                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel.pipeline().addLast(new Client(sight, tokens, number++));
                  }
                });
    for (int i = 0; i < streams; i++) {
      bootstrap.connect("127.0.0.1", port).sync();
    }
    // Counted in tokens: a slow machine takes longer to compile what runs hot, too.
    while (events.submit(sight::tokens).get() < warmTokens) {
      Thread.sleep(50);
    }
    events.submit(sight::forget).sync();
    System.out.println("begin");
    Thread.sleep(millis);
    String seen = events.submit(sight::json).get();
    System.out.println("end " + seen);
    System.exit(0);
  }

  /**
   * Who sleeps until a socket has something is woken by the call that writes to it, so that a
   * client on the same machine costs its server time that a client elsewhere would not.
   */
  private static IoHandlerFactory readiness(long pauseMicros) {
    if (pauseMicros == 0) {
      return EpollIoHandler.newFactory();
    }
    long nanos = TimeUnit.MICROSECONDS.toNanos(pauseMicros);
    SelectStrategyFactory pausing =
        () ->
            (ready, _) -> {
              LockSupport.parkNanos(nanos);
              return ready.get();
            };
    return EpollIoHandler.newFactory(0, pausing);
  }
}
