package dev.lorax.launcher.members;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.config.LauncherConfig.RestartConfig;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class RestartBudgetTest {

  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
  private final RestartBudget budget =
      new RestartBudget(
          new RestartConfig(
              MINUTE, MINUTE, MINUTE, MINUTE, 3, Duration.ofMinutes(10), Duration.ofSeconds(1)),
          now::get);

  @Test
  void doubles_the_pause_until_the_budget_is_spent() {
    assertThat(budget.spend(true)).contains(Duration.ofSeconds(1));
    assertThat(budget.spend(true)).contains(Duration.ofSeconds(2));
    assertThat(budget.spend(true)).contains(Duration.ofSeconds(4));
    assertThat(budget.spend(true)).isEmpty();
  }

  @Test
  void forgets_restarts_that_left_the_window() {
    // given
    budget.spend(true);
    budget.spend(true);
    budget.spend(true);

    // when
    now.updateAndGet(time -> time.plus(Duration.ofMinutes(11)));

    // then
    assertThat(budget.spend(true)).contains(Duration.ofSeconds(1));
  }
}
