package dev.lorax.router.generation;

/** An expected refusal. The kind decides status and error type, the message is for the client. */
public record Rejection(Kind kind, String message) {
  /** Stable codes: in answers, in metric labels. */
  public enum Kind {
    MALFORMED,
    ILL_TYPED,
    VALIDATION,
    TEMPLATE,
    OVERLOADED,
    GENERATION,
    INCOMPLETE,
    UNAVAILABLE
  }

  public static Rejection validation(String message) {
    return new Rejection(Kind.VALIDATION, message);
  }

  public static Rejection generation(String message) {
    return new Rejection(Kind.GENERATION, message);
  }

  public static Rejection overloaded() {
    return new Rejection(Kind.OVERLOADED, "Model is overloaded");
  }

  public static Rejection unavailable(String message) {
    return new Rejection(Kind.UNAVAILABLE, message);
  }
}
