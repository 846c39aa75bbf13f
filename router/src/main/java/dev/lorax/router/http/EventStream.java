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
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sequences of one request as server-sent events, which end with the first failure. The batch
 * loop calls their sinks; everything else happens on the event loop of the connection.
 */
final class EventStream {
  private static final Logger LOG = LoggerFactory.getLogger(EventStream.class);
  private static final long KEEP_ALIVE_MILLIS = 15_000;

  /**
   * A client this many bytes behind has stopped reading: its stream ends and its blocks come back.
   */
  private static final int MOST_UNSENT_BYTES = 256 * 1024;

  private static final long NO_TIMER = -1;

  private final Exchange exchange;
  private final Handover handover;
  private final RoutingContext http;
  private final AnswerBody body;
  private final StreamFormat format;
  private final Timing timing;
  private final @Nullable TraceParent trace;
  private int unended;
  private @Nullable GeneratedText longest;
  private long timer = NO_TIMER;
  private boolean silent;

  /**
   * @param handover to the event loop of the connection
   * @param trace of which the sequences are a part, if the request is traced
   * @param sequences how many there will be
   */
  EventStream(
      Exchange exchange,
      Handover handover,
      RoutingContext http,
      StreamFormat format,
      Timing timing,
      @Nullable TraceParent trace,
      int sequences) {
    this.exchange = exchange;
    this.handover = handover;
    this.http = http;
    this.format = format;
    this.timing = timing;
    this.trace = trace;
    this.unended = sequences;
    this.body = new AnswerBody(http.request(), MOST_UNSENT_BYTES);
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
        handover.add(EventStream.this, sequence, generation, nanoTime);
      }

      @Override
      public void stepTold() {
        handover.send();
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

  /** Writes what a step has yielded; whatever goes wrong ends this stream alone. */
  void receive(int sequence, Generation generation, long nanoTime) {
    try {
      write(sequence, generation, nanoTime);
    } catch (RuntimeException e) {
      LOG.atError().addKeyValue("request", RequestId.of(http)).setCause(e).log("bug in a stream");
      exchange.abandon();
      http.response().reset();
    }
  }

  private void write(int sequence, Generation generation, long nanoTime) {
    if (exchange.over()) {
      return;
    }
    timing.generated(nanoTime);
    exchange.used(generation.tokens().size());
    Buffer events = body.blank();
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
      body.end(events);
    }
  }

  private void write(Buffer events) {
    if (events.length() == 0) {
      return;
    }
    ensureHead();
    silent = false;
    body.write(events);
    if (body.full()) {
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
