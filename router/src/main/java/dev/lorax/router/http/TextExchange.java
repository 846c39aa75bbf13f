package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.metrics.FailureLabel;
import dev.lorax.router.metrics.RequestFacts;
import dev.lorax.router.request.Place;
import dev.lorax.router.request.TextCollector;
import dev.lorax.router.request.TextCollector.Outcome;
import dev.lorax.router.request.TextPreparation;
import dev.lorax.router.request.TextPreparation.Prepared;
import dev.lorax.router.request.Timing;
import io.vertx.core.Context;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One request for embeddings or classes, from its body to its answer. Confined to the event loop of
 * its connection.
 */
final class TextExchange {
  private final Gateway gateway;
  private final RoutingContext http;
  private final TextDialect dialect;
  private final Caller caller;
  private final Place place;
  private final RequestSpan span;
  private final Context context;
  private final TextCollector collector;
  private final long receivedNanos;
  private boolean over;

  TextExchange(
      Gateway gateway,
      RoutingContext http,
      TextDialect dialect,
      Caller caller,
      Place place,
      RequestSpan span) {
    this.gateway = gateway;
    this.http = http;
    this.dialect = dialect;
    this.caller = caller;
    this.place = place;
    this.span = span;
    this.context = http.vertx().getOrCreateContext();
    this.receivedNanos = gateway.ticker().nanos();
    this.collector =
        new TextCollector(gateway.texts().loop(), gateway.facts().limits(), gateway.ticker());
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
        CompletableFuture.supplyAsync(() -> admit(body, bearer), gateway.intake().workers())
            .whenComplete((step, bug) -> context.runOnContext(_ -> proceed(step, bug)));
  }

  private Step admit(Buffer body, @Nullable String bearer) {
    try {
      TextQuestion question = dialect.read(Json.parse(body), bearer);
      return switch (gateway.texts().preparer().prepare(question.call())) {
        case TextPreparation.Refused refused -> new Step.Refused(refused.rejection());
        case Prepared prepared -> {
          Rejection refusal = caller.refusal(prepared.adapter());
          yield refusal == null ? new Step.Submit(question, prepared) : new Step.Refused(refusal);
        }
      };
    } catch (Json.MalformedException e) {
      return new Step.Refused(e.rejection());
    } catch (FieldException e) {
      return new Step.Refused(new Rejection(Rejection.Kind.ILL_TYPED, e.problem()));
    }
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
      case Step.Refused refused -> refuse(refused.rejection());
      case Step.Submit submit -> submit(submit.question(), submit.prepared());
    }
  }

  private void submit(TextQuestion question, Prepared prepared) {
    gateway
        .metrics()
        .textsPrepared(prepared.texts().stream().map(text -> text.prompt().length()).toList());
    caller.used(prepared.tokens());
    span.prepared(prepared.adapter(), prepared.tokens());
    var _ =
        collector
            .collect(prepared, caller.share(), receivedNanos, span.parent())
            // Off the encoding loop: many numbers take long to write.
            .thenApplyAsync(
                outcome -> answer(question, prepared, outcome), gateway.intake().workers())
            .whenComplete(
                (answer, bug) -> context.runOnContext(_ -> answer(prepared, answer, bug)));
  }

  private static Answer answer(TextQuestion question, Prepared prepared, Outcome outcome) {
    return switch (outcome) {
      case Outcome.Refused refused -> new Answer.Refused(refused.rejection());
      case Outcome.Done done ->
          new Answer.Written(question.answer(prepared, done.encodings()), done.timing());
    };
  }

  private void answer(Prepared prepared, @Nullable Answer answer, @Nullable Throwable bug) {
    if (over) {
      return;
    }
    if (answer == null) {
      finish();
      http.fail(bug);
      return;
    }
    switch (answer) {
      case Answer.Refused refused -> refuse(refused.rejection());
      case Answer.Written written -> {
        finish();
        gateway.metrics().textsSucceeded(facts(written.timing()));
        span.encoded(written.timing());
        TextHeaders.write(http.response(), prepared, written.timing(), gateway);
        Bodies.json(http.response(), written.body());
      }
    }
  }

  private static RequestFacts facts(Timing timing) {
    return new RequestFacts(
        timing.totalNanos(),
        timing.validationNanos(),
        timing.queueNanos(),
        timing.inferenceNanos(),
        timing.timeToFirstTokenNanos(),
        0,
        0);
  }

  private void refuse(Rejection rejection) {
    finish();
    gateway.metrics().requestFailed(ErrorFormat.label(rejection.kind()));
    span.failed(rejection);
    Bodies.refuse(http.response(), dialect.errors(), rejection);
  }

  /** The client has gone. */
  private void abandon() {
    if (!over) {
      collector.cancel();
      finish();
      gateway.metrics().requestFailed(FailureLabel.DROPPED);
      span.dropped();
    }
  }

  private void finish() {
    over = true;
    place.close();
  }

  /** What a request is after its admission. */
  private sealed interface Step {
    record Submit(TextQuestion question, Prepared prepared) implements Step {}

    record Refused(Rejection rejection) implements Step {}
  }

  /** What goes to the client. */
  private sealed interface Answer {
    record Written(Buffer body, Timing timing) implements Answer {}

    record Refused(Rejection rejection) implements Answer {}
  }
}
