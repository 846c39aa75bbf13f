package dev.lorax.operator.pod;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class RouterLoadTest {

  private static final String PAGE =
      """
      # TYPE lorax_queue_length gauge
      lorax_queue_length 3
      # TYPE lorax_batch_current_size gauge
      lorax_batch_current_size 5
      lorax_batch_current_max_tokens 250
      lorax_batch_next_size_bucket{le="1"} 4
      """;

  @Test
  void counts_streams_that_run_and_those_that_wait() {
    // when
    var load = RouterLoad.parse(PAGE);

    // then
    assertThat(load.streams()).isEqualTo(8);
  }

  @Test
  void says_how_full_the_cache_is_where_the_router_tells_its_size() {
    // when
    var known = RouterLoad.parse(PAGE + "lorax_batch_max_total_tokens 1000\n");
    var unknown = RouterLoad.parse(PAGE);
    var withoutShards = RouterLoad.parse(PAGE + "lorax_batch_max_total_tokens 0\n");

    // then
    assertThat(known.cacheUtilization()).hasValue(0.25);
    assertThat(unknown.cacheUtilization()).isEmpty();
    assertThat(withoutShards.cacheUtilization()).isEmpty();
  }

  @Test
  void refuses_a_page_of_something_else() {
    assertThatThrownBy(() -> RouterLoad.parse("process_cpu_seconds_total 1\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a gauge lorax_queue_length, got none");
  }
}
