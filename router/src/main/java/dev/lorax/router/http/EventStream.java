package dev.lorax.router.http;

import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.TraceParent;
import dev.lorax.router.metrics.ConnectionEnd;
import dev.lorax.router.request.Timing;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import org.jspecify.annotations.Nullable;

/**
 * The sequences of one request as server-sent events, which end with the first failure. The batch
 * loop calls their sinks; everything else happens on the event loop of the connection.
 */
final class EventStream {
  private static final long KEEP_ALIVE_MILLIS = 15_000;

  /**
   * A client this many bytes behind has stopped reading: its stream ends and its blocks come back.
   */
  private static final int MOST_UNSENT_BYTES = 256 * 1024;

  private static final long NO_TIMER = -1;

  /** An event with a token. */
  private static final int TYPICAL_BYTES = 192;

  private final Exchange exchange;
  private final RoutingContext http;
  private final StreamFormat format;
  private final Timing timing;
  private final @Nullable TraceParent trace;
  private int unended;
  private @Nullable GeneratedText longest;
  private long timer = NO_TIMER;
  private boolean silent;

  /**
   * @param trace of which the sequences are a part, if the request is traced
   * @param sequences how many there will be
   */
  EventStream(
      Exchange exchange,
      RoutingContext http,
      StreamFormat format,
      Timing timing,
      @Nullable TraceParent trace,
      int sequences) {
    this.exchange = exchange;
    this.http = http;
    this.format = format;
    this.timing = timing;
    this.trace = trace;
    this.unended = sequences;
    http.response().setWriteQueueMaxSize(MOST_UNSENT_BYTES);
  }

  static void writeHead(HttpServerResponse response) {
    response.setChunked(true);
    response.putHeader("content-type", "text/event-stream");
    response.putHeader("cache-control", "no-cache");
    response.putHeader("x-accel-buffering", "no");
  }

  /** Where the batch loop puts one of the sequences. */
  GenerationSink sink(int sequence) {
    return new GenerationSink() {
      @Override
      public @Nullable TraceParent trace() {
        return trace;
      }

      @Override
      public void scheduled(long nanoTime) {
        exchange.context().runOnContext(_ -> timing.scheduled(nanoTime));
      }

      @Override
      public void generated(Generation generation, long nanoTime) {
        exchange.context().runOnContext(_ -> write(sequence, generation, nanoTime));
      }

      @Override
      public void failed(Rejection rejection) {
        exchange.context().runOnContext(_ -> exchange.refuse(rejection, true));
      }
    };
  }

  /** Shows proxies between us and the client that the stream lives. */
  void keepAlive() {
    silent = true;
    timer =
        http.vertx()
            .setPeriodic(
                KEEP_ALIVE_MILLIS,
                _ -> {
                  if (silent) {
                    write(Buffer.buffer(":\n\n"));
                  }
                  silent = true;
                });
  }

  /** The stream has ended: a timer that goes on would keep all of it until its next turn. */
  void rest() {
    http.vertx().cancelTimer(timer);
  }

  private void write(int sequence, Generation generation, long nanoTime) {
    if (exchange.over()) {
      return;
    }
    timing.generated(nanoTime);
    exchange.used(generation.tokens().size());
    var events = Buffer.buffer(TYPICAL_BYTES);
    format.append(sequence, generation, events);
    GeneratedText end = generation.end();
    if (end != null) {
      unended--;
      longest =
          longest == null || longest.generatedTokens() < end.generatedTokens() ? end : longest;
    }
    if (unended > 0 || longest == null) {
      write(events);
    } else {
      format.end(events);
      exchange.succeed(timing, longest);
      ensureHead();
      http.response().end(events);
    }
  }

  private void write(Buffer events) {
    if (events.length() == 0) {
      return;
    }
    ensureHead();
    silent = false;
    http.response().write(events);
    if (http.response().writeQueueFull()) {
      exchange.abandon();
      exchange.ended(ConnectionEnd.SLOW_READER);
      http.response().reset();
    }
  }

  private void ensureHead() {
    if (!http.response().headWritten()) {
      writeHead(http.response());
    }
  }
}
