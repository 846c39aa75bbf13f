package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.generation.Rejection;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** What the backlog concludes from how the queue went. */
class BacklogTest {
  private static final long SECOND = 1_000_000_000;

  private final Backlog backlog = new Backlog(1_000_000, Duration.ofSeconds(10));
  private long nanos;

  @Test
  void refuses_what_would_wait_too_long_at_the_speed_it_has_seen() {
    serve(20, 1000);

    assertThat(backlog.refusal(8000)).isNull();
    Rejection refusal = Objects.requireNonNull(backlog.refusal(12_000));
    assertThat(refusal.kind()).isEqualTo(Rejection.Kind.OVERLOADED);
  }

  @Test
  void the_time_without_shards_says_nothing_about_their_speed() {
    serve(20, 1000);

    for (int second = 0; second < 120; second++) {
      nanos += SECOND;
      backlog.turned(1000, 0, nanos, false);
    }

    assertThat(backlog.refusal(8000)).isNull();
    serve(1, 1000);
    assertThat(backlog.refusal(8000)).isNull();
  }

  @Test
  void what_waits_counts_before_the_turn_in_which_it_came_has_ended() {
    var small = new Backlog(100, Duration.ofSeconds(10));
    small.sent(60);
    assertThat(small.refusal(60)).isNotNull();

    small.queued(60);
    assertThat(small.refusal(60)).isNotNull();

    small.turned(0, 60, SECOND, true);
    assertThat(small.refusal(60)).isNull();
  }

  /** Somebody waits all the time. */
  private void serve(int seconds, int tokensPerSecond) {
    for (int second = 0; second < seconds; second++) {
      nanos += SECOND;
      backlog.turned(1000, tokensPerSecond, nanos, true);
    }
  }
}
