package dev.lorax.bench;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.socket.SocketChannel;

/**
 * As many clients as asked for, each with one stream after the other (closed loop). Writes {@code
 * begin} when the warm-up is over and {@code end} with what it saw since, as JSON.
 *
 * <pre>PORT STREAMS TOKENS WARM-TOKENS SECONDS ADAPTERS</pre>
 *
 * <p>With adapters, each request names one of them, the k-th with a probability of 1/k (Zipf).
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
    // One loop: what is seen needs no lock, and the router keeps the other core.
    var events = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
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
}
