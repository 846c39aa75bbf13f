package dev.lorax.router.encoding;

import dev.lorax.router.batching.StepObserver;

/** Is told what happens in the encoding loop, on its thread; must not block. */
public interface EncodingObserver extends StepObserver {
  /** How much waits at the end of a turn. */
  void textsWaiting(int texts, long tokens);

  /** A bug: the entries of a call were failed and the loop goes on. */
  void unexpected(RuntimeException exception);
}
