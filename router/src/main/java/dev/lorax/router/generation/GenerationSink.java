package dev.lorax.router.generation;

import org.jspecify.annotations.Nullable;

/**
 * Where the results of one request go. Called by the batch loop alone, in the order below, and
 * never again after a {@link Generation} with an end or after {@link #failed}. A call must not
 * block: the accelerator waits for it.
 */
public interface GenerationSink {
  /** The span of which the request's steps are a part, or null where it is not traced. */
  default @Nullable TraceParent trace() {
    return null;
  }

  /** The request left the queue. */
  void scheduled(long nanoTime);

  /** One step has yielded something. */
  void generated(Generation generation, long nanoTime);

  /**
   * All that the step has yielded, for whomever, has been told: those that hand it on together do
   * so now.
   */
  default void stepTold() {}

  /** Nothing more will come. */
  void failed(Rejection rejection);
}
