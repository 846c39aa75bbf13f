package dev.lorax.router.encoding;

import dev.lorax.router.batching.StepObserver.Step;

/** What is asked of a text. */
public enum EncodingTask {
  EMBED(Step.EMBED),
  CLASSIFY(Step.CLASSIFY);

  private final Step step;

  EncodingTask(Step step) {
    this.step = step;
  }

  Step step() {
    return step;
  }
}
