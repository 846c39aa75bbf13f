package dev.lorax.router.http;

/** A field of a request body that has the wrong type; the message names it. */
final class FieldException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String problem;

  FieldException(String field, String expected, String got) {
    this("`%s`: expected %s, got %s".formatted(field, expected, got));
  }

  FieldException(String problem) {
    super(problem);
    this.problem = problem;
  }

  String problem() {
    return problem;
  }
}
