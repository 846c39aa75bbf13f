package dev.lorax.router.http;

import dev.lorax.router.batching.Ticker;
import dev.lorax.router.metrics.ConnectionEnd;
import dev.lorax.router.metrics.RouterMetrics;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPromise;
import io.netty.util.AttributeKey;
import io.netty.util.concurrent.ScheduledFuture;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes a connection whose client keeps the router waiting: with the head of a request, with
 * reading an answer, with asking for anything. Confined to the connection's event loop.
 *
 * <p>Vert.x's own timeouts do not do: they count from the last byte, so who trickles is never late,
 * and they close connections whose client waits for a long answer.
 */
final class ConnectionGuard extends ChannelDuplexHandler {
  private static final Logger LOG = LoggerFactory.getLogger(ConnectionGuard.class);
  private static final AttributeKey<ConnectionGuard> KEY =
      AttributeKey.valueOf(ConnectionGuard.class, "guard");

  private final ClientPatience patience;
  private final RouterMetrics metrics;
  private final Ticker ticker;
  private @Nullable ScheduledFuture<?> looks;

  /** Requests whose answers have not ended. */
  private int requests;

  /** Whether the head of a request is owed: none has come yet, or part of the next one has. */
  private boolean owed = true;

  /** Whether bytes may be something else than a part of a request. */
  private boolean multiplexed;

  private long sinceNanos;
  private long written;
  private long awaited;
  private long awaitedSinceNanos;

  ConnectionGuard(ClientPatience patience, RouterMetrics metrics, Ticker ticker) {
    this.patience = patience;
    this.metrics = metrics;
    this.ticker = ticker;
  }

  /** That of a connection. */
  static ConnectionGuard of(HttpConnection connection) {
    ConnectionGuard guard = ((ConnectionBase) connection).channel().attr(KEY).get();
    if (guard == null) {
      throw new IllegalStateException("a connection without a guard");
    }
    return guard;
  }

  /** The head of a request has come. */
  void began(boolean http2) {
    requests++;
    owed = false;
    multiplexed = http2;
  }

  /** The answer to a request has ended. */
  void ended() {
    requests--;
    sinceNanos = ticker.nanos();
  }

  @Override
  public void channelActive(ChannelHandlerContext context) {
    context.channel().attr(KEY).set(this);
    sinceNanos = ticker.nanos();
    long nanos = patience.betweenLooks().toNanos();
    looks =
        context
            .executor()
            .scheduleWithFixedDelay(() -> look(context), nanos, nanos, TimeUnit.NANOSECONDS);
    context.fireChannelActive();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (looks != null) {
      looks.cancel(false);
    }
    context.fireChannelInactive();
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (requests == 0 && !owed) {
      owed = !multiplexed;
      sinceNanos = ticker.nanos();
    }
    context.fireChannelRead(message);
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    written++;
    var _ = context.write(message, promise);
  }

  /** Clients go as they like: Vert.x would log each as an error. */
  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (cause instanceof IOException) {
      LOG.atDebug().addKeyValue("reason", cause.getMessage()).log("connection broken");
      var _ = context.close();
    } else {
      context.fireExceptionCaught(cause);
    }
  }

  private void look(ChannelHandlerContext context) {
    long now = ticker.nanos();
    long sent = written - unsent(context);
    if (written > sent) {
      lookAtAnswer(context, now, sent);
    } else if (requests == 0) {
      awaited = 0;
      var limit = owed ? patience.request() : patience.idle();
      if (now - sinceNanos >= limit.toNanos()) {
        end(context, owed ? ConnectionEnd.SLOW_REQUEST : ConnectionEnd.IDLE);
      }
    }
  }

  /** What was written until some moment must have gone in time, however much comes after it. */
  private void lookAtAnswer(ChannelHandlerContext context, long now, long sent) {
    if (sent >= awaited) {
      awaited = written;
      awaitedSinceNanos = now;
    } else if (now - awaitedSinceNanos >= patience.answer().toNanos()) {
      end(context, ConnectionEnd.SLOW_READER);
    }
  }

  /**
   * Writes that the system has not taken: all are flushed before the event loop does other work.
   */
  private static int unsent(ChannelHandlerContext context) {
    ChannelOutboundBuffer unsent = context.channel().unsafe().outboundBuffer();
    return unsent == null ? 0 : unsent.size();
  }

  private void end(ChannelHandlerContext context, ConnectionEnd reason) {
    metrics.connectionEnded(reason);
    if (reason == ConnectionEnd.SLOW_READER) {
      // Else the system keeps what the client does not read for minutes.
      context.channel().config().setOption(ChannelOption.SO_LINGER, 0);
    }
    var _ = context.close();
  }
}
