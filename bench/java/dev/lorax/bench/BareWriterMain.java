package dev.lorax.bench;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketChannel;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The least that a server of streams can be: at every step it writes the bytes of one event to each
 * connection, the same bytes as the router's, made once. No shard, no queue, no JSON.
 *
 * <pre>STEP-MICROS</pre>
 */
public final class BareWriterMain {
  private static final Pattern ASKED = Pattern.compile("\"max_new_tokens\":(\\d+)");
  private static final String HEAD =
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-compute-type: cpu\r\n"
          + "x-compute-characters: 5\r\nx-model-id: bench\r\ncontent-type: text/event-stream\r\n"
          + "cache-control: no-cache\r\nx-accel-buffering: no\r\n\r\n";
  private static final ByteBuf EVENT =
      Unpooled.unreleasableBuffer(bytes(chunk(event("null", "null"))));

  private BareWriterMain() {}

  public static void main(String[] arguments) throws Exception {
    Quiet.reset();
    long stepMicros = Long.parseLong(arguments[0]);
    EventLoopGroup events = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    List<Stream> streams = new ArrayList<>();
    var channel =
        new ServerBootstrap()
            .group(events)
            .channel(EpollServerSocketChannel.class)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel connection) {
                    connection.pipeline().addLast(new Asked(streams));
                  }
                })
            .bind(new InetSocketAddress("127.0.0.1", 0))
            .sync()
            .channel();
    var _ =
        events.scheduleAtFixedRate(
            () -> step(streams), stepMicros, stepMicros, TimeUnit.MICROSECONDS);
    System.out.println("port " + ((InetSocketAddress) channel.localAddress()).getPort());
  }

  private static void step(List<Stream> streams) {
    for (Iterator<Stream> i = streams.iterator(); i.hasNext(); ) {
      Stream stream = i.next();
      stream.left--;
      if (stream.left > 0) {
        stream.context.writeAndFlush(EVENT.retainedDuplicate(), stream.context.voidPromise());
      } else {
        i.remove();
        String text = "\"" + Sequence.TEXT.repeat(stream.length) + "\"";
        String end = chunk(event(text, "null")) + "0\r\n\r\n";
        stream.context.writeAndFlush(bytes(end), stream.context.voidPromise());
      }
    }
  }

  private static String event(String text, String details) {
    return ("data: {\"token\":{\"id\":%d,\"text\":\"%s\",\"logprob\":%s,\"special\":false,"
            + "\"skipped\":false},\"generated_text\":%s,\"details\":%s}\n\n")
        .formatted(Sequence.TOKEN, Sequence.TEXT, Sequence.LOGPROB, text, details);
  }

  private static String chunk(String content) {
    return Integer.toHexString(content.length()) + "\r\n" + content + "\r\n";
  }

  private static ByteBuf bytes(String text) {
    byte[] made = text.getBytes(StandardCharsets.US_ASCII);
    return Unpooled.directBuffer(made.length).writeBytes(made);
  }

  private static final class Stream {
    private final ChannelHandlerContext context;
    private final int length;
    private int left;

    Stream(ChannelHandlerContext context, int length) {
      this.context = context;
      this.length = length;
      this.left = length;
    }
  }

  /** A request arrives in one piece: the load generator writes it so. */
  private static final class Asked extends ChannelInboundHandlerAdapter {
    private final List<Stream> streams;

    Asked(List<Stream> streams) {
      this.streams = streams;
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
      var bytes = (ByteBuf) message;
      Matcher asked = ASKED.matcher(bytes.toString(StandardCharsets.US_ASCII));
      bytes.release();
      if (!asked.find()) {
        throw new IllegalArgumentException("a request without max_new_tokens");
      }
      context.writeAndFlush(bytes(HEAD));
      streams.add(new Stream(context, Integer.parseInt(asked.group(1))));
    }
  }
}
