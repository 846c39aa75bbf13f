package dev.lorax.e2e.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class EventStreamTest {

  @Test
  void hands_on_the_data_of_each_event() {
    assertThat(events("data: one", "", "data: two", "")).containsExactly("one", "two");
  }

  @Test
  void joins_the_lines_of_one_event() {
    assertThat(events("data: one", "data: two", "")).containsExactly("one\ntwo");
  }

  @Test
  void takes_off_one_leading_space_only() {
    assertThat(events("data:one", "", "data:  two", "")).containsExactly("one", " two");
  }

  @Test
  void reads_over_comments_names_and_other_fields() {
    assertThat(events(": keep-alive", "", "event: token", "id: 7", "data: one", "", "database", ""))
        .containsExactly("one");
  }

  @Test
  void keeps_an_event_without_content() {
    assertThat(events("data", "", "data:", "")).containsExactly("", "");
  }

  @Test
  void drops_an_event_that_was_cut_off() {
    assertThat(events("data: one", "", "data: tw")).containsExactly("one");
  }

  private static List<String> events(String... lines) {
    List<String> events = new ArrayList<>();
    var stream = new EventStream(events::add);
    List.of(lines).forEach(stream::line);
    return events;
  }
}
