package dev.lorax.router.encoding;

import dev.lorax.router.batching.StepObserver;

/** Is told what happens in the encoding loop, on its thread; must not block. */
public interface EncodingObserver extends StepObserver {
  /**
   * How much there is, before and after each call.
   *
   * @param waiting texts that no call has taken
   * @param waitingTokens their tokens
   * @param running texts of the call under way
   */
  void texts(int waiting, long waitingTokens, int running);

  /** A bug: the entries of a call were failed and the loop goes on. */
  void unexpected(RuntimeException exception);
}
