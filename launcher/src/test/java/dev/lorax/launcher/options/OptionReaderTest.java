package dev.lorax.launcher.options;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class OptionReaderTest {

  private final List<Integer> ports = new ArrayList<>();
  private final List<String> ids = new ArrayList<>();
  private final List<Boolean> switches = new ArrayList<>();
  private final Option<Integer> port =
      Option.of("--port", Kind.WHOLE_NUMBER, ports::add).orShort("-p");
  private final OptionReader reader =
      new OptionReader(
          List.of(
              port,
              Option.of("--id", Kind.TEXT, ids::add).separatedBy(","),
              Option.of("--json", Kind.SWITCH, switches::add).orShort("-j"),
              Option.of("--quiet", Kind.SWITCH, switches::add).orShort("-q")));

  @Test
  void takes_values_however_they_are_attached() {
    for (var line : List.of("--port 1", "--port=1", "-p 1", "-p=1", "-p1")) {
      ports.clear();
      new OptionReader(List.of(port)).read(List.of(line.split(" ")));

      assertThat(ports).as(line).containsExactly(1);
    }
  }

  @Test
  void takes_switches_behind_one_dash_and_switched_off() {
    reader.read(List.of("-jq", "--json=false"));

    assertThat(switches).containsExactly(true, true);
    assertThat(reader.troubles())
        .containsExactly(new OptionReader.Trouble("--json", "expected once, got it again"));
  }

  @Test
  void splits_a_list_and_takes_it_again() {
    reader.read(List.of("--id", "a,,b", "--id=--port=1"));

    assertThat(ids).containsExactly("a", "", "b", "--port=1");
    assertThat(reader.given("--id")).containsExactly("a,,b", "--port=1");
  }

  @Test
  void takes_no_option_for_a_value_and_goes_on_after_what_is_wrong() {
    reader.read(List.of("--port", "-j", "word", "--port-1", "--", "--json"));

    assertThat(reader.troubles())
        .containsExactly(
            new OptionReader.Trouble("--port", "expected a whole number, got nothing"));
    assertThat(reader.has(port)).isTrue();
    assertThat(switches).containsExactly(true);
    assertThat(reader.unknown()).containsExactly("word", "--port-1", "--json");
  }
}
