package dev.lorax.router.batching;

import java.util.Queue;

/** A step during which things happen; the router looks several times whether it is over. */
final class InMemoryStep implements Pending<StepResult> {
  private static final int LOOKS = 12;
  private static final long A_MOMENT_NANOS = 1_000;

  private final Pending<StepResult> step;
  private final Queue<Runnable> meanwhile;
  private Runnable told = () -> {};
  private int looks;

  /**
   * @param step what it comes to
   * @param meanwhile what happens, and is over then
   */
  InMemoryStep(Pending<StepResult> step, Queue<Runnable> meanwhile) {
    this.step = step;
    this.meanwhile = meanwhile;
  }

  @Override
  public void whenAnswered(Runnable action) {
    told = action;
    for (Runnable event = meanwhile.poll(); event != null; event = meanwhile.poll()) {
      looks = LOOKS;
      event.run();
    }
  }

  @Override
  public long mostNanos() {
    if (looks-- <= 0) {
      told.run();
      return 0;
    }
    return A_MOMENT_NANOS;
  }

  @Override
  public StepResult await() throws ShardException, InterruptedException {
    return step.await();
  }
}
