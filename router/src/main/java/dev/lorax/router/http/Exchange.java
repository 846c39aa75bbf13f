package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.batching.Entry;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.metrics.ConnectionEnd;
import dev.lorax.router.metrics.FailureLabel;
import dev.lorax.router.metrics.RequestFacts;
import dev.lorax.router.request.Collector;
import dev.lorax.router.request.Collector.Outcome;
import dev.lorax.router.request.Completion.Completed;
import dev.lorax.router.request.Place;
import dev.lorax.router.request.Preparation.Prepared;
import dev.lorax.router.request.Submission;
import dev.lorax.router.request.Timing;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.RoutingContext;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request for a generation, from its body to the last byte of its answer. Confined to the event
 * loop of its connection.
 */
final class Exchange {
  private final Gateway gateway;
  private final Handover handover;
  private final RoutingContext http;
  private final Dialect dialect;
  private final Caller caller;
  private final Place place;
  private final RequestSpan span;
  private final Context context;
  private final long receivedNanos;
  private Runnable cancellation = () -> {};
  private Runnable conclusion = () -> {};
  private boolean over;

  Exchange(
      Gateway gateway,
      Handover handover,
      RoutingContext http,
      Dialect dialect,
      Caller caller,
      Place place,
      RequestSpan span) {
    this.gateway = gateway;
    this.handover = handover;
    this.http = http;
    this.dialect = dialect;
    this.caller = caller;
    this.place = place;
    this.span = span;
    this.context = http.vertx().getOrCreateContext();
    this.receivedNanos = gateway.ticker().nanos();
  }

  void start() {
    http.addEndHandler(ended -> {
      if (ended.failed()) {
        abandon();
      }
    });
    Buffer body = http.body().buffer() == null ? Buffer.buffer() : http.body().buffer();
    // A key of this server is no token for a hub.
    String bearer = gateway.keys().required() ? null : Bodies.bearer(http.request());
    var _ =
        new Admission(gateway, dialect, caller)
            .admit(body, bearer)
            .whenComplete((step, bug) -> context.runOnContext(_ -> proceed(step, bug)));
  }

  private void proceed(@Nullable Step step, @Nullable Throwable bug) {
    if (over) {
      return;
    }
    if (step == null) {
      finish();
      http.fail(bug);
      return;
    }
    switch (step) {
      case Step.Refused refused -> refuse(refused.rejection(), refused.stream());
      case Step.Submit submit -> submit(submit.question(), submit.prepared());
    }
  }

  private void submit(Question question, Prepared prepared) {
    gateway.metrics().requestPrepared(prepared.promptTokens(), prepared.maxNewTokens());
    if (!place.widen(prepared.sequences().size() - 1)) {
      refuse(Rejection.overloaded(), false);
      return;
    }
    used(prepared.promptTokens());
    span.prepared(prepared.adapter(), prepared.promptTokens());
    if (question.call().stream()) {
      stream(question, prepared);
    } else {
      collect(question, prepared);
    }
  }

  private void collect(Question question, Prepared prepared) {
    var collector = new Collector(gateway.intake());
    cancellation = collector::cancel;
    collector
        .collect(prepared, caller.share(), receivedNanos, span.parent())
        .thenAccept(outcome -> context.runOnContext(_ -> answer(question, prepared, outcome)));
  }

  private void answer(Question question, Prepared prepared, Outcome outcome) {
    if (over) {
      return;
    }
    switch (outcome) {
      case Outcome.Refused refused -> refuse(refused.rejection(), false);
      case Outcome.Done done -> {
        Completed best = done.best();
        done.sequences().forEach(sequence -> used(sequence.text().generatedTokens()));
        succeed(best.timing(), best.text());
        writeHeaders(prepared);
        GenerationHeaders.whole(http.response(), prepared, best);
        Bodies.json(http.response(), question.answer(prepared, done));
      }
    }
  }

  private void stream(Question question, Prepared prepared) {
    Timing timing = gateway.intake().timing(receivedNanos);
    List<GenerationRequest> sequences = prepared.sequences();
    var stream =
        new EventStream(
            this,
            handover,
            http,
            question.stream(prepared),
            timing,
            span.parent(),
            sequences.size());
    var entries = new ArrayList<Entry>();
    cancellation = () -> entries.forEach(Entry::cancel);
    for (GenerationRequest sequence : sequences) {
      GenerationSink sink = stream.sink(entries.size());
      switch (gateway.intake().submit(sequence, prepared.adapter(), caller.share(), sink)) {
        case Submission.Queued queued -> entries.add(queued.entry());
        case Submission.Refused refused -> {
          refuse(refused.rejection(), false);
          return;
        }
      }
    }
    writeHeaders(prepared);
    conclusion = stream::rest;
    stream.keepAlive();
  }

  /** Tokens that count for the caller's limit. */
  void used(int tokens) {
    caller.used(tokens);
  }

  /**
   * The generation has ended well and its answer is about to be written.
   *
   * @param text the best of several, or the longest
   */
  void succeed(Timing timing, GeneratedText text) {
    gateway
        .metrics()
        .requestSucceeded(
            new RequestFacts(
                timing.totalNanos(),
                timing.validationNanos(),
                timing.queueNanos(),
                timing.inferenceNanos(),
                timing.timeToFirstTokenNanos(),
                text.generatedTokens(),
                text.skippedTokens()));
    span.succeeded(timing, text.generatedTokens());
    finish();
  }

  /** Answers with a rejection; {@code stream} where the answer was to be a stream. */
  void refuse(Rejection rejection, boolean stream) {
    if (over) {
      return;
    }
    // One of several sequences has failed: nobody would read the others.
    cancellation.run();
    finish();
    gateway.metrics().requestFailed(ErrorFormat.label(rejection.kind()));
    span.failed(rejection);
    HttpServerResponse response = http.response();
    boolean started = response.headWritten();
    if (started || (stream && dialect.failsInsideStream())) {
      if (!started) {
        EventStream.writeHead(response);
      }
      var event = Buffer.buffer();
      StreamFormat.event(dialect.errors().body(rejection), event);
      response.end(event);
    } else {
      Bodies.refuse(response, dialect.errors(), rejection);
    }
  }

  /** The client has gone, or reads too slowly to be kept. */
  void abandon() {
    if (!over) {
      cancellation.run();
      finish();
      gateway.metrics().requestFailed(FailureLabel.DROPPED);
      span.dropped();
    }
  }

  /** The router hangs up. */
  void ended(ConnectionEnd reason) {
    gateway.metrics().connectionEnded(reason);
  }

  boolean over() {
    return over;
  }

  Context context() {
    return context;
  }

  private void writeHeaders(Prepared prepared) {
    GenerationHeaders.common(
        http.response(), prepared, gateway.facts().modelId(), gateway.computeType());
  }

  private void finish() {
    over = true;
    conclusion.run();
    place.close();
  }
}
