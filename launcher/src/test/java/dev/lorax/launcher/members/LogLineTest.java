package dev.lorax.launcher.members;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.slf4j.event.Level;

final class LogLineTest {

  @Test
  void reads_the_forms_of_shard_upstream_router_and_our_router() {
    assertThat(
            LogLine.parse(
                "{\"text\":\"x | y\",\"record\":{\"level\":{\"name\":\"WARNING\"},"
                    + "\"message\":\"slow\",\"extra\":{\"adapter\":\"sql\"}}}"))
        .contains(new LogLine(Level.WARN, "slow", Map.of("adapter", "sql")));
    assertThat(
            LogLine.parse(
                "{\"timestamp\":\"t\",\"level\":\"ERROR\","
                    + "\"fields\":{\"message\":\"no\",\"id\":3},\"target\":\"r\"}"))
        .contains(new LogLine(Level.ERROR, "no", Map.of("id", "3")));
    assertThat(
            LogLine.parse(
                "{\"level\":\"INFO\",\"message\":\"listens\",\"kvpList\":[{\"port\":\"3000\"}]}"))
        .contains(new LogLine(Level.INFO, "listens", Map.of("port", "3000")));
  }

  @Test
  void does_not_take_other_lines_for_log_lines() {
    assertThat(LogLine.parse("plain")).isEmpty();
    assertThat(LogLine.parse("{\"cut\": ")).isEmpty();
    assertThat(LogLine.parse("{\"level\":\"INFO\"}")).isEmpty();
  }
}
