package dev.lorax.e2e.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

final class StepTest {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.EPOCH);
  private final InstantSource clock = now::get;

  @Test
  void says_on_one_line_what_is_done_for_how_long_and_what_is_left() {
    try (Step step = steps(true).begin("server")) {
      step.doing("loading", List.of("router"));
      pass(Duration.ofSeconds(7));

      await().untilAsserted(() -> assertThat(printed()).contains("loading (left: router) · 7 s"));
      assertThat(printed()).contains("[4/9] server").doesNotContain("\n");
    }
  }

  @Test
  void prints_a_line_when_something_changes_where_nobody_watches() {
    try (Step step = steps(false).begin("server")) {
      pass(Duration.ofSeconds(5));
      step.doing("loading");
      await().untilAsserted(() -> assertThat(printed()).contains("loading, 5 s so far\n"));

      pass(Duration.ofSeconds(5));
      step.doing("warming up");
      await().untilAsserted(() -> assertThat(printed()).contains("warming up, 10 s so far\n"));
      assertThat(printed()).containsOnlyOnce("loading").doesNotContain("\r");
    }
  }

  @Test
  void ends_with_its_outcome_and_time() {
    try (Step step = steps(false).begin("server")) {
      pass(Duration.ofSeconds(12));
      step.done("ready");
    }
    assertThat(printed()).endsWith("[4/9] server: ready (12 s)\n").doesNotContain("failed");
  }

  @Test
  void says_that_it_failed_when_it_ends_without_an_outcome() {
    steps(false).begin("server").close();
    assertThat(printed()).endsWith("[4/9] server: failed (0 s)\n");
  }

  private Steps steps(boolean live) {
    return new Steps(new Terminal(out, live, 100, 24), clock, 3, 9);
  }

  private void pass(Duration time) {
    now.updateAndGet(instant -> instant.plus(time));
  }

  private String printed() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
