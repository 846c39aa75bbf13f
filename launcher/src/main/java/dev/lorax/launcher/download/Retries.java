package dev.lorax.launcher.download;

import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Attempts at one thing, with pauses between them. Not thread-safe. */
public final class Retries {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private final RetryPolicy policy;
  private final String what;
  private int failures;

  /**
   * @param what is tried, for the log and for the sentence when it is given up
   */
  public Retries(RetryPolicy policy, String what) {
    this.policy = policy;
    this.what = what;
  }

  /** One attempt at it. */
  @FunctionalInterface
  public interface Attempt<T> {
    T run() throws IOException, DownloadException, InterruptedException;
  }

  /** Tries until it succeeds or is given up. */
  public <T> T until(Attempt<T> attempt) throws DownloadException, InterruptedException {
    while (true) {
      try {
        return attempt.run();
      } catch (IOException e) {
        pauseAfter(e);
      }
    }
  }

  /** Something was achieved since the last failure, so they are counted anew. */
  void progressed() {
    failures = 0;
  }

  /** Returns when the next attempt is due. */
  void pauseAfter(IOException failure) throws DownloadException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("download stopped");
    }
    failures++;
    Optional<Duration> asked =
        failure instanceof BusyException busy ? busy.retryAfter() : Optional.empty();
    if (failures >= policy.attempts()) {
      throw givenUp("gave up after %d attempts".formatted(failures), failure);
    }
    if (asked.isPresent() && asked.get().compareTo(policy.longestRetryAfter()) > 0) {
      throw givenUp("the server asks to wait %d s".formatted(asked.get().toSeconds()), failure);
    }
    Duration pause = asked.orElseGet(this::backoff);
    LOG.atWarn()
        .addKeyValue("what", what)
        .addKeyValue("reason", reason(failure))
        .addKeyValue("pause", "%.1fs".formatted(pause.toMillis() / 1000.0))
        .addKeyValue("attempt", failures + 1)
        .log("download interrupted, trying again");
    Thread.sleep(pause);
  }

  private DownloadException givenUp(String why, IOException failure) {
    return new DownloadException(
        FailureCode.SOURCE_UNREACHABLE,
        "%s: %s (%s)".formatted(what, reason(failure), why),
        failure);
  }

  /** With jitter, so that the launchers of a fleet do not come back all at once. */
  private Duration backoff() {
    long doubled = policy.firstPause().toMillis() << Math.min(failures - 1, 20);
    long limited = Math.min(doubled, policy.longestPause().toMillis());
    return Duration.ofMillis(limited / 2 + ThreadLocalRandom.current().nextLong(limited / 2 + 1));
  }

  /** Some exceptions of the network carry their meaning in their class alone. */
  static String reason(IOException failure) {
    String message = failure.getMessage();
    return message == null || message.isBlank() ? failure.getClass().getSimpleName() : message;
  }
}
