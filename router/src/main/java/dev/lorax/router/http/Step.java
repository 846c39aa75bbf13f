package dev.lorax.router.http;

import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.GenerateCall;
import dev.lorax.router.request.Preparation.Prepared;

/** What came out of an admission. */
sealed interface Step {
  /**
   * @param stream whether the answer was to be a stream
   */
  record Refused(Rejection rejection, boolean stream) implements Step {}

  record Submit(Question question, Prepared prepared) implements Step {
    GenerateCall call() {
      return question.call();
    }
  }
}
