package dev.lorax.router.encoding;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** How much of the shards' time texts take; all times are made up. */
class PaceTest {
  private static final long MILLI = 1_000_000;

  private boolean generating;
  private final Pace pace = new Pace(4000, neighbours(true));

  private Neighbours neighbours(boolean possible) {
    return new Neighbours() {
      @Override
      public boolean possible() {
        return possible;
      }

      @Override
      public boolean present() {
        return generating;
      }
    };
  }

  @Test
  void takes_all_there_is_on_a_model_that_generates_nothing() {
    Pace alone = new Pace(4000, neighbours(false));

    alone.called(4000, 0, 100_000 * MILLI);

    assertThat(alone.budget()).isEqualTo(4000);
    assertThat(alone.pauseNanos(100_000 * MILLI)).isZero();
  }

  @Test
  void lets_a_prompt_that_may_come_wait_a_moment_only() {
    // given 10 tokens in a millisecond
    pace.called(1000, 0, 100 * MILLI);

    assertThat(pace.budget()).isEqualTo(2500);
    assertThat(pace.pauseNanos(100 * MILLI)).isZero();
  }

  @Test
  void takes_all_there_is_where_that_is_quick() {
    assertThat(pace.budget()).isEqualTo(256);

    pace.called(4000, 0, 100 * MILLI);

    assertThat(pace.pauseNanos(100 * MILLI)).isZero();
    assertThat(pace.budget()).isEqualTo(4000);
  }

  @Test
  void leaves_as_much_time_as_it_takes_while_generations_run() {
    generating = true;

    pace.called(200, 0, 30 * MILLI);

    assertThat(pace.pauseNanos(30 * MILLI)).isEqualTo(30 * MILLI);
    assertThat(pace.pauseNanos(50 * MILLI)).isEqualTo(10 * MILLI);
    assertThat(pace.pauseNanos(60 * MILLI)).isZero();
  }

  @Test
  void goes_on_at_once_when_the_last_generation_ends() {
    generating = true;
    pace.called(200, 0, 30 * MILLI);

    generating = false;

    assertThat(pace.pauseNanos(31 * MILLI)).isZero();
  }

  @Test
  void makes_calls_short_beside_generations() {
    // given 10 tokens in a millisecond
    pace.called(1000, 0, 100 * MILLI);

    // when
    generating = true;

    // then
    assertThat(pace.budget()).isEqualTo(500);
  }

  @Test
  void begins_small_and_always_takes_something() {
    generating = true;
    assertThat(pace.budget()).isEqualTo(256);

    pace.called(1, 0, 100_000 * MILLI);

    assertThat(pace.budget()).isEqualTo(1);
  }
}
