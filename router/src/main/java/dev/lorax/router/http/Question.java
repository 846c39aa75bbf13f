package dev.lorax.router.http;

import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.Collector.Outcome;
import dev.lorax.router.request.GenerateCall;
import dev.lorax.router.request.Preparation.Prepared;
import io.vertx.core.buffer.Buffer;

/** A request that has been read, and how its answer is to look. Thread-safe. */
interface Question {
  GenerateCall call();

  /** The whole answer at once. */
  Buffer answer(Prepared prepared, Outcome.Done done);

  /** The answer in pieces; a new object for the one stream. */
  StreamFormat stream(Prepared prepared);

  /** Outcome of reading a body. */
  sealed interface Reading {
    record Read(Question question) implements Reading {}

    record Refused(Rejection rejection) implements Reading {}
  }
}
