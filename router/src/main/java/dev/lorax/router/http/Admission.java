package dev.lorax.router.http;

import dev.lorax.router.access.Caller;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.http.Question.Reading;
import dev.lorax.router.request.Preparation;
import dev.lorax.router.request.Preparation.Prepared;
import io.vertx.core.buffer.Buffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** What a request goes through before it is queued: reading, checks, permission. Thread-safe. */
record Admission(Gateway gateway, Dialect dialect, Caller caller) {
  /**
   * Reads a body on a worker thread.
   *
   * @param bearer token of the request's header
   */
  CompletionStage<Step> admit(Buffer body, @Nullable String bearer) {
    return CompletableFuture.supplyAsync(() -> read(body, bearer), gateway.intake().workers())
        .thenCompose(reading -> reading)
        .thenApply(this::prepare)
        .thenCompose(this::checkSchema);
  }

  private CompletionStage<Reading> read(Buffer body, @Nullable String bearer) {
    try {
      return dialect.read(Json.parse(body), bearer);
    } catch (Json.MalformedException e) {
      return CompletableFuture.completedStage(new Reading.Refused(e.rejection()));
    }
  }

  private Step prepare(Reading reading) {
    return switch (reading) {
      case Reading.Refused refused -> new Step.Refused(refused.rejection(), false);
      case Reading.Read read ->
          switch (gateway.preparer().prepare(read.question().call())) {
            case Preparation.Refused refused ->
                new Step.Refused(refused.rejection(), read.question().call().stream());
            case Prepared prepared -> allowed(read.question(), prepared);
          };
    };
  }

  private Step allowed(Question question, Prepared prepared) {
    Rejection refusal = caller.refusal(prepared.adapter());
    return refusal == null ? new Step.Submit(question, prepared) : new Step.Refused(refusal, false);
  }

  /** Last, for those who may ask at all: compiling a schema costs the shard something. */
  private CompletionStage<Step> checkSchema(Step step) {
    String schema = step instanceof Step.Submit submit ? submit.call().sampling().schema() : null;
    if (schema == null) {
      return CompletableFuture.completedStage(step);
    }
    return gateway
        .schemas()
        .refusal(schema)
        .thenApply(refusal -> refusal.<Step>map(r -> new Step.Refused(r, false)).orElse(step));
  }
}
