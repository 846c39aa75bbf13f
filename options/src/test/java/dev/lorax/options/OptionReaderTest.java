package dev.lorax.options;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class OptionReaderTest {

  private final List<Object> taken = new ArrayList<>();
  private final List<Option<?>> options =
      List.of(
          Option.of("--port", Kind.WHOLE_NUMBER, taken::add).orShort("-p").initially(3000),
          Option.of("--all", Kind.SWITCH, taken::add).orShort("-a"),
          Option.of("--bare", Kind.SWITCH, taken::add).orShort("-b").onLineOnly(),
          Option.of("--ids", Kind.TEXT, taken::add).separatedBy(", "),
          Option.of("--root-dir", Kind.TEXT, taken::add).alsoIn("OUR_ROOT").usually("none"),
          Option.of("--host", Kind.ADDRESS, taken::add));
  private final OptionReader reader = new OptionReader(options);

  private List<String> problems(Map<String, String> variables) {
    var problems = new Problems(variables);
    reader.tell(problems);
    return problems.sentences();
  }

  @Test
  void reads_values_however_they_are_attached() {
    for (var line :
        List.of(List.of("--port", "1"), List.of("--port=1"), List.of("-p", "1"), List.of("-p1"))) {
      taken.clear();
      new OptionReader(options).read(line);
      assertThat(taken).containsExactly(1);
    }
  }

  @Test
  void reads_letters_behind_one_dash() {
    reader.read(List.of("-abp80"));

    assertThat(taken).containsExactly(true, true, 80);
  }

  @Test
  void takes_the_values_of_a_list_one_by_one() {
    reader.read(List.of("--ids", "a, b", "--ids=c", "--ids="));

    assertThat(taken).containsExactly("a", "b", "c", "");
    assertThat(reader.given("--ids")).containsExactly("a, b", "c", "");
  }

  @Test
  void tells_everything_that_it_cannot_read() {
    reader.read(List.of("--port", "--all=maybe", "--colour", "red", "x", "--por=1", "--", "-y"));
    reader.read(List.of("--bare", "--bare"));

    assertThat(problems(Map.of()))
        .containsExactly(
            "--port: expected a whole number, got nothing",
            "--all: expected true or false, got maybe",
            "--bare: expected once, got it again",
            "--colour: unknown option; --help lists all",
            "x: expected an option that starts with --",
            "--por: unknown option; did you mean --port?",
            "-y: unknown option; --help lists all");
  }

  @Test
  void reads_variables_of_what_the_line_leaves_out_and_names_them_in_problems() {
    var environment =
        new Environment(
            Map.of("PORT", "1", "ALL", "yes", "BARE", "true", "OUR_ROOT", " / ", "HOST", "::1"));

    reader.read(List.of("--port=2", "--colour"));
    reader.read(environment);

    assertThat(taken).containsExactly(2, true, "/", InetAddress.ofLiteral("::1"));
    assertThat(environment.taken())
        .isEqualTo(Map.of("--all", "ALL", "--root-dir", "OUR_ROOT", "--host", "HOST"));
    var problems = new Problems(environment.taken());
    problems.add("--root-dir", "expected more");
    problems.add("--port", "expected more");
    assertThat(problems.sentences())
        .containsExactly("OUR_ROOT (--root-dir): expected more", "--port: expected more");
  }

  @Test
  void leaves_out_variables_that_nobody_meant() {
    var environment =
        new Environment(
            Map.of("PORT", "tcp://10.0.0.8:1", "ALL", "Off", "OUR_ROOT", "", "HOST", "demo-5d4f"));

    reader.read(environment);

    assertThat(taken).isEmpty();
    assertThat(problems(environment.taken())).isEmpty();
    assertThat(environment.ignored()).containsOnlyKeys("PORT");
  }

  @Test
  void tells_what_is_in_effect() {
    reader.read(List.of("-a", "--ids", "a, b", "--ids", "c"));

    assertThat(reader.inEffect()).isEqualTo("--port=3000 --all=true --ids=a, b --ids=c");
  }

  @Test
  void what_is_missing_is_told_from_what_is_wrong() {
    var problems = new Problems(Map.of());
    assertThat(problems.onlyMissing()).isFalse();
    problems.missing("--root-dir", "expected a directory that exists, got x");
    assertThat(problems.onlyMissing()).isTrue();
    problems.atLeast(1, "--port", 0);
    assertThat(problems.onlyMissing()).isFalse();
    assertThat(problems.sentences())
        .containsExactly(
            "--root-dir: expected a directory that exists, got x",
            "--port: expected a number of at least 1, got 0");
  }
}
