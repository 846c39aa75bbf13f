package dev.lorax.launcher.members;

import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/** So many restarts within a window, each after a longer pause than the last. Not thread-safe. */
final class RestartBudget {

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
  private static final int MAX_DOUBLINGS = 10;

  private final RestartConfig config;
  private final InstantSource clock;
  private final Deque<Instant> spent = new ArrayDeque<>();

  RestartBudget(RestartConfig config, InstantSource clock) {
    this.config = config;
    this.clock = clock;
  }

  /**
   * The pause before the next restart; empty when the budget is spent.
   *
   * @param served whether what failed had been ready. Where it had not, nothing is forgotten:
   *     starts that take longer than the window would otherwise fail for ever.
   */
  Optional<Duration> spend(boolean served) {
    Instant now = clock.instant();
    while (served && !spent.isEmpty() && isOld(spent.getFirst(), now)) {
      spent.removeFirst();
    }
    if (spent.size() >= config.maxRestarts()) {
      return Optional.empty();
    }
    int doublings = Math.min(spent.size(), MAX_DOUBLINGS);
    spent.addLast(now);
    Duration pause = config.backoff().multipliedBy(1L << doublings);
    return Optional.of(pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause);
  }

  String exhausted(MemberFailure failure) {
    boolean quick = spent.isEmpty() || !isOld(spent.getFirst(), clock.instant());
    return "gave up after %d %s %s: %s"
        .formatted(
            spent.size(),
            spent.size() == 1 ? "restart" : "restarts",
            quick ? "within %d s".formatted(config.window().toSeconds()) : "that all failed",
            failure.sentence());
  }

  private boolean isOld(Instant restart, Instant now) {
    return restart.isBefore(now.minus(config.window()));
  }
}
