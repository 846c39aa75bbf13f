package dev.lorax.router.batching;

/** Is told of calls that compute on the shards, on the thread that makes them; must not block. */
public interface StepObserver {
  /** What the shards were asked for. */
  enum Step {
    PREFILL,
    DECODE,
    EMBED,
    CLASSIFY
  }

  void stepSucceeded(Step step, int size, long nanos);

  void stepFailed(Step step, int size, String message);
}
