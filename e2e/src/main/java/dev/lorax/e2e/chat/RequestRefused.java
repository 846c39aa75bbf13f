package dev.lorax.e2e.chat;

/** A request that the server answered with an error, before or in the middle of its stream. */
public final class RequestRefused extends RuntimeException {

  private static final long serialVersionUID = 1L;

  RequestRefused(String message) {
    super(message);
  }

  static RequestRefused of(Question question, int status, String reply) {
    return new RequestRefused(
        "the request to %s was refused with status %d: %s"
            .formatted(question.adapter(), status, reply));
  }
}
