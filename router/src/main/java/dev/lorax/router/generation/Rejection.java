package dev.lorax.router.generation;

/**
 * An expected refusal. The kind decides status and error type, the message is for the client.
 *
 * @param retryAfterSeconds when it may be worth trying again, for those that are not final
 */
public record Rejection(Kind kind, String message, int retryAfterSeconds) {
  /** Stable codes: in answers, in metric labels. */
  public enum Kind {
    MALFORMED,
    ILL_TYPED,
    VALIDATION,
    TEMPLATE,
    OVERLOADED,
    UNAUTHORIZED,
    FORBIDDEN,
    RATE_LIMITED,
    GENERATION,
    INCOMPLETE,
    EMBEDDING,
    CLASSIFICATION,
    UNAVAILABLE
  }

  public Rejection(Kind kind, String message) {
    this(kind, message, 1);
  }

  public static Rejection validation(String message) {
    return new Rejection(Kind.VALIDATION, message);
  }

  public static Rejection generation(String message) {
    return new Rejection(Kind.GENERATION, message);
  }

  public static Rejection overloaded() {
    return overloaded(1);
  }

  public static Rejection overloaded(int retryAfterSeconds) {
    return new Rejection(Kind.OVERLOADED, "Model is overloaded", retryAfterSeconds);
  }

  public static Rejection unavailable(String message) {
    return new Rejection(Kind.UNAVAILABLE, message);
  }
}
