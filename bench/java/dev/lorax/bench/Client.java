package dev.lorax.bench;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;

/**
 * One client on one connection. It looks for the bytes that begin an event and for those that end
 * an answer, and parses nothing: the machine's time belongs to the router.
 */
final class Client extends ChannelInboundHandlerAdapter {
  private static final byte[] EVENT = "data: ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] END = "\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final Sight sight;
  private final int tokens;
  private final SplittableRandom random;
  private boolean first = true;
  private int eventMatched;
  private int endMatched;
  private int adapter;
  private long asked;
  private long last;

  Client(Sight sight, int tokens, int number) {
    this.sight = sight;
    this.tokens = tokens;
    this.random = new SplittableRandom(number);
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    ask(context);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    var bytes = (ByteBuf) message;
    long now = System.nanoTime();
    while (bytes.isReadable()) {
      byte next = bytes.readByte();
      eventMatched = next == EVENT[eventMatched] ? eventMatched + 1 : next == EVENT[0] ? 1 : 0;
      if (eventMatched == EVENT.length) {
        eventMatched = 0;
        token(now);
      }
      endMatched = next == END[endMatched] ? endMatched + 1 : next == END[0] ? 1 : 0;
      if (endMatched == END.length) {
        endMatched = 0;
        ask(context);
      }
    }
    bytes.release();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    sight.failed();
  }

  private void token(long now) {
    if (last == 0) {
      sight.firstToken(adapter, now - asked);
    } else {
      sight.nextToken(now - last);
    }
    last = now;
  }

  private void ask(ChannelHandlerContext context) {
    adapter = sight.draw(random);
    // The first answers have different lengths, so that the streams do not end all at once.
    int length = first ? 1 + random.nextInt(tokens) : tokens;
    first = false;
    String named = adapter == 0 ? "" : ",\"adapter_id\":\"adapter-%d\"".formatted(adapter);
    String body =
        "{\"inputs\":\"hello\",\"parameters\":{\"max_new_tokens\":%d,\"ignore_eos_token\":true%s}}"
            .formatted(length, named);
    String request =
        "POST /generate_stream HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            + "content-length: %d\r\n\r\n%s".formatted(body.length(), body);
    asked = System.nanoTime();
    last = 0;
    context.writeAndFlush(Unpooled.copiedBuffer(request, StandardCharsets.US_ASCII));
  }
}
